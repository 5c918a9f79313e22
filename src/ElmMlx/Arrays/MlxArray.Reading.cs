using System.Buffers;
using System.Runtime.InteropServices;

namespace ElmMlx;

// From graph to numbers.
public sealed unsafe partial class MlxArray
{
    /// <summary>Computes the array now; errors of the computation surface here.</summary>
    public void Eval()
    {
        ArrayThread.Current.FreeGivenUp();
        Checked.mlx_array_eval(Handle);
        GC.KeepAlive(this);
    }

    /// <summary>Computes several arrays together.</summary>
    public static void Eval(params ReadOnlySpan<MlxArray> arrays)
    {
        ArrayThread.Current.FreeGivenUp();
        using ArrayVector vector = new(arrays);
        Checked.mlx_eval(vector.Handle);
    }

    /// <summary>Computes several arrays together.</summary>
    public static void Eval(IEnumerable<MlxArray> arrays) => Eval(arrays.ToArray().AsSpan());

    /// <summary>Starts to compute several arrays and returns; reading one waits for it.</summary>
    public static void AsyncEval(params ReadOnlySpan<MlxArray> arrays)
    {
        ArrayThread.Current.FreeGivenUp();
        using ArrayVector vector = new(arrays);
        Checked.mlx_async_eval(vector.Handle);
    }

    /// <summary>Starts to compute several arrays and returns.</summary>
    public static void AsyncEval(IEnumerable<MlxArray> arrays) => AsyncEval(arrays.ToArray().AsSpan());

    /// <summary>The only element, converted to <typeparamref name="T"/>.</summary>
    /// <exception cref="MlxException">The array has more elements, or none.</exception>
    public T Item<T>()
        where T : unmanaged
    {
        if (Size != 1)
            throw Refused("item", $"it has {Size} elements: reduce or index it to one");
        T item = default;
        CopyTo(new Span<T>(ref item));
        return item;
    }

    /// <summary>All elements, the last axis first, converted to <typeparamref name="T"/>.</summary>
    public T[] ToArray<T>()
        where T : unmanaged
    {
        T[] elements = GC.AllocateUninitializedArray<T>(checked((int)Size));
        CopyTo(elements.AsSpan());
        return elements;
    }

    /// <summary>Copies all elements, the last axis first, converted to <typeparamref name="T"/>.</summary>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void CopyTo<T>(Span<T> destination)
        where T : unmanaged
    {
        if (destination.Length != Size)
            throw new ArgumentException($"{Describe()} has {Size} elements, the destination {destination.Length}");
        DType wanted = DTypes.Of<T>();
        if (wanted == DType)
        {
            ReadBytes(MemoryMarshal.AsBytes(destination));
            return;
        }

        using MlxArray converted = AsType(wanted);
        converted.ReadBytes(MemoryMarshal.AsBytes(destination));
    }

    /// <summary>The bytes of all elements, the last axis first.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)ByteCount));
        ReadBytes(bytes);
        return bytes;
    }

    /// <summary>Copies the bytes of all elements, the last axis first.</summary>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void CopyBytesTo(Span<byte> destination)
    {
        if (destination.Length != ByteCount)
            throw new ArgumentException($"{Describe()} has {ByteCount} bytes, the destination {destination.Length}");
        ReadBytes(destination);
    }

    /// <summary>
    /// Calls <paramref name="read"/> with the bytes of all elements, the last axis first, and their offset, without a
    /// copy where they lie so already. Arrays beyond 1 GiB come in parts.
    /// </summary>
    public void ReadBytes(ReadOnlySpanAction<byte, long> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        using MlxArray rows = Contiguous();
        rows.Eval();
        byte* data = rows.Data();
        const int part = 1 << 30;
        for (long offset = 0; offset < ByteCount; offset += part)
            read(new ReadOnlySpan<byte>(data + offset, (int)Math.Min(part, ByteCount - offset)), offset);
        GC.KeepAlive(rows);
    }

    // The data pointer ignores strides and is wild before evaluation: row-contiguous first, then evaluate,
    // then read.
    private void ReadBytes(Span<byte> destination)
    {
        if (destination.IsEmpty)
            return;
        if (Size == 1) // in whatever order
        {
            Eval();
            new ReadOnlySpan<byte>(Data(), destination.Length).CopyTo(destination);
            GC.KeepAlive(this);
            return;
        }

        using MlxArray rows = Contiguous();
        rows.Eval();
        new ReadOnlySpan<byte>(rows.Data(), destination.Length).CopyTo(destination);
        GC.KeepAlive(rows);
    }

    private byte* Data()
    {
        void* data = DType switch
        {
            DType.Bool => Checked.mlx_array_data_bool(Handle),
            DType.UInt8 => Checked.mlx_array_data_uint8(Handle),
            DType.UInt16 or DType.Float16 or DType.BFloat16 => Checked.mlx_array_data_uint16(Handle),
            DType.UInt32 => Checked.mlx_array_data_uint32(Handle),
            DType.UInt64 => Checked.mlx_array_data_uint64(Handle),
            DType.Int8 => Checked.mlx_array_data_int8(Handle),
            DType.Int16 => Checked.mlx_array_data_int16(Handle),
            DType.Int32 => Checked.mlx_array_data_int32(Handle),
            DType.Int64 => Checked.mlx_array_data_int64(Handle),
            DType.Float32 => Checked.mlx_array_data_float32(Handle),
            DType.Float64 => Checked.mlx_array_data_float64(Handle),
            _ => Checked.mlx_array_data_complex64(Handle),
        };
        return data is not null ? (byte*)data : throw Refused("data", "it has no memory to read");
    }
}
