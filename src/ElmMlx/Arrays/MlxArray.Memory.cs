using System.Buffers;
using ElmMlx.Bindings;

namespace ElmMlx;

// How the elements lie in memory, and whether they are there.
public sealed unsafe partial class MlxArray
{
    /// <summary>Bytes of one element.</summary>
    public int ItemSize
    {
        get
        {
            int size = (int)Checked.mlx_array_itemsize(Handle);
            GC.KeepAlive(this);
            return size;
        }
    }

    /// <summary>Elements between neighbours along each axis.</summary>
    public long[] Strides
    {
        get
        {
            long[] strides = Rank == 0 ? [] : new ReadOnlySpan<long>(Checked.mlx_array_strides(Handle), Rank).ToArray();
            GC.KeepAlive(this);
            return strides;
        }
    }

    /// <summary>Whether the elements have been computed.</summary>
    public bool IsAvailable => Is(&Checked._mlx_array_is_available);

    /// <summary>Whether the elements fill their memory without gaps, in whatever order; of a computed array.</summary>
    public bool IsContiguous => Computed() && Is(&Checked._mlx_array_is_contiguous);

    /// <summary>Whether they lie with the last axis first; of a computed array.</summary>
    public bool IsRowContiguous => Computed() && Is(&Checked._mlx_array_is_row_contiguous);

    /// <summary>Whether they lie with the first axis first; of a computed array.</summary>
    public bool IsColumnContiguous => Computed() && Is(&Checked._mlx_array_is_col_contiguous);

    /// <summary>The array as MLX prints it; its values are computed.</summary>
    public string ToMlxText()
    {
        Eval();
        mlx_string text = Checked.mlx_string_new();
        Checked.mlx_array_tostring(&text, Handle);
        GC.KeepAlive(this);
        return NativeText.Take(text);
    }

    /// <summary>
    /// An array that uses managed memory, pinned until nothing uses it any more: without a copy on the CPU provider and
    /// in unified memory, by copy elsewhere.
    /// </summary>
    /// <typeparam name="T">bool, an integer, Half, float, double or <see cref="ComplexSingle"/>.</typeparam>
    /// <param name="memory">The elements, the last axis first. They must stay as they are.</param>
    /// <param name="shape">The size of each axis; none: one axis with all elements.</param>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    public static MlxArray FromMemory<T>(ReadOnlyMemory<T> memory, params ReadOnlySpan<int> shape)
        where T : unmanaged
    {
        ReadOnlySpan<int> sizes = shape.Length > 0 ? shape : [memory.Length];
        DType dtype = DTypes.Of<T>();
        if (ByteCountOf(sizes, dtype) != (long)memory.Length * sizeof(T))
        {
            throw new ArgumentException(
                $"{Failure.Text(sizes, dtype)} needs another number of elements than {memory.Length}");
        }

        MemoryHandle pinned = memory.Pin();
        try
        {
            return FromMemory(pinned.Pointer, dtype, sizes, pinned.Dispose);
        }
        catch
        {
            pinned.Dispose();
            throw;
        }
    }

    private bool Is(delegate*<mlx_array, bool> question)
    {
        bool answer = question(Handle);
        GC.KeepAlive(this);
        return answer;
    }

    // The flags of an array are set when it is computed.
    private bool Computed()
    {
        Eval();
        return true;
    }
}
