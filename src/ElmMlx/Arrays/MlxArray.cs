using System.Globalization;
using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>An n-dimensional array of MLX: a value, computed when it is read (<see cref="Eval()"/>).</summary>
/// <remarks>
/// Owns one native array. An <see cref="ArrayScope"/> frees the arrays that were made inside; otherwise
/// <see cref="Dispose"/> or the garbage collector does. The thread that made an array frees it.
/// </remarks>
public sealed unsafe partial class MlxArray : IDisposable
{
    private int[]? _shape;
    private DType? _dtype;

    /// <summary>The size of each axis. It is this array's own: do not write into it.</summary>
    public int[] Shape => _shape ??= ReadShape();

    /// <summary>The number of axes.</summary>
    public int Rank
    {
        get
        {
            if (_shape is not null)
                return _shape.Length;
            int rank = (int)Checked.mlx_array_ndim(Handle);
            GC.KeepAlive(this);
            return rank;
        }
    }

    /// <summary>The number of elements.</summary>
    public long Size
    {
        get
        {
            if (_shape is null)
            {
                long count = (long)Checked.mlx_array_size(Handle);
                GC.KeepAlive(this);
                return count;
            }

            long size = 1;
            foreach (int dimension in _shape)
                size *= dimension;
            return size;
        }
    }

    /// <summary>The elements' type.</summary>
    public DType DType
    {
        get
        {
            _dtype ??= (DType)Checked.mlx_array_dtype(Handle);
            GC.KeepAlive(this);
            return _dtype.Value;
        }
    }

    /// <summary>Bytes of all elements.</summary>
    public long ByteCount => Size * DType.Size();

    private static mlx_stream Stream => ArrayThread.Current.Stream;

    /// <summary>The size of one axis; negative ones count from the end.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such axis.</exception>
    public int Dim(int axis)
    {
        int rank = Rank, index = axis < 0 ? axis + rank : axis;
        if ((uint)index >= (uint)rank)
            throw new ArgumentOutOfRangeException(nameof(axis), axis, $"{Describe()} has no axis {axis}");
        if (_shape is not null)
            return _shape[index];
        int size = Checked.mlx_array_dim(Handle, index);
        GC.KeepAlive(this);
        return size;
    }

    /// <summary>Shape and dtype, as in <c>[2, 37] float32</c>.</summary>
    public string Describe() => Failure.Text(Shape, DType);

    /// <summary>The dtype, the shape and, where there are few, the values.</summary>
    public override string ToString()
    {
        const int most = 64;
        if (IsDisposed)
            return "a freed array";
        if (Size > most || DType is DType.Complex64)
            return Describe();
        IEnumerable<string> values = DType is DType.Bool
            ? ToArray<bool>().Select(v => v ? "true" : "false")
            : ToArray<double>().Select(v => v.ToString("G7", CultureInfo.InvariantCulture));
        return $"{Describe()} {{{string.Join(", ", values)}}}";
    }

    private int[] ReadShape()
    {
        mlx_array array = Handle;
        int rank = (int)Checked.mlx_array_ndim(array);
        int[] shape = rank == 0 ? [] : new ReadOnlySpan<int>(Checked.mlx_array_shape(array), rank).ToArray();
        GC.KeepAlive(this);
        return shape;
    }

    // The operands stay alive until the native call has returned: they are arguments of what wraps its result.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MlxArray New(mlx_array result, MlxArray a, MlxArray? b = null, MlxArray? c = null)
    {
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
        return Adopt(result);
    }

    private static MlxArray Unary(delegate*<mlx_array, mlx_stream, mlx_array> operation, MlxArray a) =>
        New(operation(a.Handle, Stream), a);

    private static MlxArray Binary(
        delegate*<mlx_array, mlx_array, mlx_stream, mlx_array> operation, MlxArray a, MlxArray b) =>
        New(operation(a.Handle, b.Handle, Stream), a, b);

    private static MlxArray Binary(
        delegate*<mlx_array, mlx_array, mlx_stream, mlx_array> operation, MlxArray a, Operand b)
    {
        MlxArray other = b.Resolve(a);
        MlxArray result = Binary(operation, a, other);
        b.Free(other);
        return result;
    }

    private int CheckAxis(string operation, int axis)
    {
        int rank = Rank, index = axis < 0 ? axis + rank : axis;
        return (uint)index < (uint)rank ? index : throw Refused(operation, $"there is no axis {axis}");
    }

    private MlxException Refused(string operation, string reason) => new(operation, reason, Describe());

    private MlxException Refused(string operation, string reason, MlxArray other) =>
        new(operation, reason, Describe(), other.Describe());
}
