using System.Runtime.InteropServices;
using System.Text;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>C arrays, vectors and memory of one test case; all are freed at its end.</summary>
internal sealed unsafe class NativeArena : IDisposable
{
    private readonly List<mlx_array> _arrays = [];
    private readonly List<mlx_vector_array> _vectors = [];
    private readonly List<nint> _blocks = [];

    public NativeArena()
    {
        RuntimeLoader.EnsureLoaded();
        mlx_device device = default;
        mlx_stream stream = default;
        Check(Mlx.mlx_get_default_device(&device));
        Check(Mlx.mlx_get_default_stream(&stream, device));
        Check(Mlx.mlx_device_free(device));
        Stream = stream;
    }

    /// <summary>The default device's stream.</summary>
    public mlx_stream Stream { get; }

    /// <summary>Turns a failing return into an exception with the provider's words.</summary>
    public static void Check(int status)
    {
        if (status != 0)
            throw new RefusedException(MlxError.Take() ?? $"failed with {status} and no words");
    }

    public mlx_array Keep(mlx_array array)
    {
        _arrays.Add(array);
        return array;
    }

    public mlx_vector_array Keep(mlx_vector_array vector)
    {
        _vectors.Add(vector);
        return vector;
    }

    public byte* Allocate(int nBytes)
    {
        var block = (byte*)NativeMemory.AllocZeroed((nuint)Math.Max(nBytes, 16));
        _blocks.Add((nint)block);
        return block;
    }

    public T* Copy<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var block = (T*)Allocate(values.Length * sizeof(T));
        values.CopyTo(new Span<T>(block, values.Length));
        return block;
    }

    public byte* Text(string text) => Copy<byte>(Encoding.UTF8.GetBytes(text + '\0'));

    public mlx_array New(GoldenTensor tensor)
    {
        fixed (byte* data = tensor.Bytes.Length == 0 ? new byte[1] : tensor.Bytes.Span)
        {
            mlx_array array = Mlx.mlx_array_new_data(data, Copy<int>(tensor.Shape), tensor.Shape.Length, tensor.Type);
            Check(array.ctx is null ? 1 : 0);
            return Keep(array);
        }
    }

    public mlx_vector_array Vector(ReadOnlySpan<mlx_array> arrays)
    {
        fixed (mlx_array* data = arrays)
            return Keep(Mlx.mlx_vector_array_new_data(data, (nuint)arrays.Length));
    }

    public mlx_array[] Elements(mlx_vector_array vector)
    {
        var arrays = new mlx_array[Mlx.mlx_vector_array_size(vector)];
        for (int i = 0; i < arrays.Length; i++)
        {
            mlx_array array = default;
            Check(Mlx.mlx_vector_array_get(&array, vector, (nuint)i));
            arrays[i] = Keep(array);
        }

        return arrays;
    }

    /// <summary>Evaluates an array and copies it out.</summary>
    public GoldenTensor Read(mlx_array array)
    {
        mlx_array rows = default;
        Check(Mlx.mlx_contiguous(&rows, array, false, Stream));
        Keep(rows);
        Check(Mlx.mlx_array_eval(rows));
        var shape = new int[Mlx.mlx_array_ndim(rows)];
        for (int axis = 0; axis < shape.Length; axis++)
            shape[axis] = Mlx.mlx_array_dim(rows, axis);
        int nBytes = checked((int)Mlx.mlx_array_nbytes(rows));
        byte* data = nBytes == 0 ? null : Mlx.mlx_array_data_uint8(rows);
        Check(nBytes > 0 && data is null ? 1 : 0);
        return new GoldenTensor(
            Mlx.mlx_array_dtype(rows), shape, new ReadOnlySpan<byte>(data, nBytes).ToArray());
    }

    public void Dispose()
    {
        foreach (mlx_array array in _arrays)
            Mlx.mlx_array_free(array);
        foreach (mlx_vector_array vector in _vectors)
            Mlx.mlx_vector_array_free(vector);
        foreach (nint block in _blocks)
            NativeMemory.Free((void*)block);
        Mlx.mlx_stream_free(Stream);
    }
}
