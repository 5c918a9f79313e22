using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace ElmMlx.Weights;

/// <summary>
/// A safetensors file, checked completely when it is opened. Elements are read on demand, from any thread; the file is
/// never mapped, because reading from a map of a file that was cut short ends the process.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle handle, SafetensorsHeader header)
    {
        Path = path;
        _handle = handle;
        _header = header;
    }

    /// <summary>Opens a file and checks all of its header.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is not a well-formed safetensors file; says what and where.
    /// </exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            long length = RandomAccess.GetLength(handle);
            Span<byte> prefix = stackalloc byte[8];
            if (length < 8 || RandomAccess.Read(handle, prefix, 0) < 8)
                throw new InvalidDataException($"{path}: a file of {length} bytes is too short to be safetensors.");
            ulong claimed = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (claimed > SafetensorsHeader.MaxHeaderBytes || (long)claimed > length - 8)
                throw new InvalidDataException(
                    $"{path}: the header's length says {claimed} bytes, which is more than " +
                        $"{(claimed > SafetensorsHeader.MaxHeaderBytes ? "a header may have" : "the file holds")}; " +
                            "this is not a safetensors file, or it is cut short.");
            var header = new byte[(int)claimed];
            ReadExactly(handle, header, 8, path);
            return new SafetensorsFile(path, handle, SafetensorsHeader.Parse(header, length - 8 - (long)claimed, path));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Where the file lies.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _header.Tensors;

    /// <summary>The texts under <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>The tensor of a name.</summary>
    /// <exception cref="InvalidDataException">The file has none of this name.</exception>
    public TensorInfo this[string name] => Tensors.TryGetValue(name, out TensorInfo? tensor)
        ? tensor
        : throw new InvalidDataException($"{Path} has no tensor {name}.");

    /// <summary>Reads all elements of a tensor.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="destination">Exactly <see cref="TensorInfo.ByteCount"/> bytes.</param>
    public void Read(TensorInfo tensor, Span<byte> destination)
    {
        if (destination.Length != tensor.ByteCount)
            throw new ArgumentException($"{tensor.Name} has {tensor.ByteCount} bytes, the destination " +
                $"{destination.Length}.", nameof(destination));
        Read(tensor, 0, destination);
    }

    /// <summary>Reads a part of a tensor's elements.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="offset">First byte, from the start of the tensor.</param>
    /// <param name="destination">Filled completely.</param>
    public void Read(TensorInfo tensor, long offset, Span<byte> destination)
    {
        if (offset < 0 || destination.Length > tensor.ByteCount - offset)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{offset} + {destination.Length} bytes reach past " +
                $"the end of {tensor.Name}.");
        ReadExactly(_handle, destination, tensor.Offset + offset, Path);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _handle.Dispose();

    /// <summary>Reads bytes of the file.</summary>
    /// <param name="offset">The first, from the start of the file.</param>
    /// <param name="destination">Filled completely.</param>
    internal void Read(long offset, Span<byte> destination) => ReadExactly(_handle, destination, offset, Path);

    internal static void ReadExactly(SafeFileHandle handle, Span<byte> destination, long offset, string path)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
                throw new InvalidDataException($"{path} became shorter while it was read.");
            destination = destination[read..];
            offset += read;
        }
    }
}
