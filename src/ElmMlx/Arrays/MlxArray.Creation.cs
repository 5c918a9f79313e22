using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx;

// Arrays from memory and from nothing.
public sealed unsafe partial class MlxArray
{
    /// <summary>An array of copied elements.</summary>
    /// <typeparam name="T">bool, an integer, Half, float, double or <see cref="ComplexSingle"/>.</typeparam>
    /// <param name="data">The elements, the last axis first.</param>
    /// <param name="shape">The size of each axis; none: one axis with all elements.</param>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    public static MlxArray From<T>(ReadOnlySpan<T> data, params ReadOnlySpan<int> shape)
        where T : unmanaged
    {
        ReadOnlySpan<int> sizes = shape.Length > 0 ? shape : [data.Length];
        MlxArray array = FromBytes(MemoryMarshal.AsBytes(data), DTypes.Of<T>(), sizes);
        array._bounds = IndexBounds.Of(data);
        return array;
    }

    /// <summary>An array of copied bytes: the only way in for bfloat16 (2 bytes each).</summary>
    /// <param name="data">The elements, little-endian, the last axis first.</param>
    /// <param name="dtype">Their type.</param>
    /// <param name="shape">The size of each axis; none: a scalar.</param>
    /// <exception cref="ArgumentException">The shape needs another number of bytes.</exception>
    public static MlxArray FromBytes(ReadOnlySpan<byte> data, DType dtype, params ReadOnlySpan<int> shape)
    {
        long expected = ByteCountOf(shape, dtype);
        if (data.Length != expected)
            throw new ArgumentException($"{Failure.Text(shape, dtype)} has {expected} bytes, not {data.Length}");
        RuntimeLoader.EnsureLoaded();
        byte none = 0;
        fixed (byte* bytes = data)
        fixed (int* sizes = shape)
            return Adopt(Checked.mlx_array_new_data(
                bytes is null ? &none : bytes, sizes, shape.Length, (mlx_dtype)dtype));
    }

    /// <summary>
    /// An array that uses the caller's memory: without a copy on the CPU provider and in unified memory.
    /// </summary>
    /// <param name="memory">
    /// The elements, the last axis first. They must stay as they are until <paramref name="free"/> is called.
    /// </param>
    /// <param name="dtype">Their type.</param>
    /// <param name="shape">The size of each axis.</param>
    /// <param name="free">Called once, on any thread, when nothing uses the memory any more; it must not throw.</param>
    public static MlxArray FromMemory(void* memory, DType dtype, ReadOnlySpan<int> shape, Action free)
    {
        ArgumentNullException.ThrowIfNull(free);
        ByteCountOf(shape, dtype);
        RuntimeLoader.EnsureLoaded();
        GCHandle payload = GCHandle.Alloc(free);
        fixed (int* sizes = shape)
            return Adopt(Checked.mlx_array_new_data_managed_payload(
                memory, sizes, shape.Length, (mlx_dtype)dtype, (void*)GCHandle.ToIntPtr(payload), &FreeMemory));
    }

    /// <summary>A scalar of one dtype.</summary>
    public static MlxArray Scalar(double value, DType dtype = DType.Float32)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        ScalarBytes.Write(bytes, value, dtype);
        return FromBytes(bytes[..dtype.Size()], dtype);
    }

    /// <summary>A scalar of one dtype.</summary>
    public static MlxArray Scalar(long value, DType dtype)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        ScalarBytes.Write(bytes, value, dtype);
        MlxArray scalar = FromBytes(bytes[..dtype.Size()], dtype);
        scalar._bounds = dtype.IsInteger() ? new IndexBounds(value, value) : null;
        return scalar;
    }

    /// <summary>An int32 scalar.</summary>
    public static MlxArray Scalar(int value) => Scalar((long)value, DType.Int32);

    /// <summary>A scalar of one dtype.</summary>
    public static MlxArray Scalar(int value, DType dtype) => Scalar((long)value, dtype);

    /// <summary>A bool scalar.</summary>
    public static MlxArray Scalar(bool value) => Scalar(value ? 1L : 0L, DType.Bool);

    /// <summary>A complex64 scalar.</summary>
    public static MlxArray Scalar(ComplexSingle value)
    {
        RuntimeLoader.EnsureLoaded();
        return Adopt(Checked.mlx_array_new_complex(value.Real, value.Imaginary));
    }

    /// <summary>Zeros.</summary>
    public static MlxArray Zeros(ReadOnlySpan<int> shape, DType dtype = DType.Float32)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return Adopt(Checked.mlx_zeros(sizes, (nuint)shape.Length, (mlx_dtype)dtype, stream));
    }

    /// <summary>Ones.</summary>
    public static MlxArray Ones(ReadOnlySpan<int> shape, DType dtype = DType.Float32)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return Adopt(Checked.mlx_ones(sizes, (nuint)shape.Length, (mlx_dtype)dtype, stream));
    }

    /// <summary>One value everywhere.</summary>
    public static MlxArray Full(ReadOnlySpan<int> shape, double value, DType dtype = DType.Float32) =>
        Full(shape, Scalar(value, dtype), dtype);

    /// <summary>An array broadcast to a shape and cast to a dtype.</summary>
    public static MlxArray Full(ReadOnlySpan<int> shape, MlxArray values, DType dtype)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_full(sizes, (nuint)shape.Length, values.Handle, (mlx_dtype)dtype, stream), values);
    }

    /// <summary>Zeros of the shape and dtype of <paramref name="like"/>.</summary>
    public static MlxArray ZerosLike(MlxArray like) => Unary(&Checked.mlx_zeros_like, like);

    /// <summary>Ones of the shape and dtype of <paramref name="like"/>.</summary>
    public static MlxArray OnesLike(MlxArray like) => Unary(&Checked.mlx_ones_like, like);

    /// <summary><c>start, start + step, …</c> up to, not including, <paramref name="stop"/>.</summary>
    public static MlxArray Arange(int start, int stop, int step = 1, DType dtype = DType.Int32) =>
        Adopt(Checked.mlx_arange(start, stop, step, (mlx_dtype)dtype, Stream));

    /// <summary><c>start, start + step, …</c> up to, not including, <paramref name="stop"/>.</summary>
    public static MlxArray Arange(double start, double stop, double step = 1, DType dtype = DType.Float32) =>
        Adopt(Checked.mlx_arange(start, stop, step, (mlx_dtype)dtype, Stream));

    /// <summary><c>0, 1, …</c> up to, not including, <paramref name="stop"/>.</summary>
    public static MlxArray Arange(int stop, DType dtype = DType.Int32) => Arange(0, stop, 1, dtype);

    /// <summary><paramref name="count"/> values at equal distances from start to stop, both included.</summary>
    public static MlxArray Linspace(double start, double stop, int count = 50, DType dtype = DType.Float32) =>
        Adopt(Checked.mlx_linspace(start, stop, count, (mlx_dtype)dtype, Stream));

    /// <summary>
    /// Ones on the <paramref name="k"/>-th diagonal of an [n, m] matrix (m = n unless told), zeros elsewhere.
    /// </summary>
    public static MlxArray Eye(int n, int? m = null, int k = 0, DType dtype = DType.Float32) =>
        Adopt(Checked.mlx_eye(n, m ?? n, k, (mlx_dtype)dtype, Stream));

    /// <summary>Ones on the main diagonal of an [n, n] matrix, zeros elsewhere.</summary>
    public static MlxArray Identity(int n, DType dtype = DType.Float32) =>
        Adopt(Checked.mlx_identity(n, (mlx_dtype)dtype, Stream));

    /// <summary>Ones on and below the <paramref name="k"/>-th diagonal of an [n, m] matrix, zeros above.</summary>
    public static MlxArray Tri(int n, int? m = null, int k = 0, DType dtype = DType.Float32) =>
        Adopt(Checked.mlx_tri(n, m ?? n, k, (mlx_dtype)dtype, Stream));

    private static long ByteCountOf(ReadOnlySpan<int> shape, DType dtype)
    {
        long bytes = dtype.Size();
        foreach (int dimension in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension, nameof(shape));
            bytes = checked(bytes * dimension);
        }

        return bytes;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeMemory(void* payload)
    {
        GCHandle handle = GCHandle.FromIntPtr((nint)payload);
        Action free = (Action)handle.Target!;
        handle.Free();
        free();
    }
}
