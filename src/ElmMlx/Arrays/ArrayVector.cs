using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A list of arrays as C takes it: <c>mlx_vector_array</c>.</summary>
internal readonly unsafe ref struct ArrayVector : IDisposable
{
    private readonly ReadOnlySpan<MlxArray> _arrays; // kept alive until Dispose

    /// <summary>Copies the handles.</summary>
    public ArrayVector(ReadOnlySpan<MlxArray> arrays)
    {
        RuntimeLoader.EnsureLoaded();
        _arrays = arrays;
        Span<mlx_array> handles = arrays.Length <= 8 ? stackalloc mlx_array[8] : new mlx_array[arrays.Length];
        handles = handles[..arrays.Length];
        for (int i = 0; i < arrays.Length; i++)
            handles[i] = arrays[i].Handle;
        fixed (mlx_array* data = handles)
            Handle = data is null
                ? Checked.mlx_vector_array_new()
                : Checked.mlx_vector_array_new_data(data, (nuint)handles.Length);
    }

    /// <summary>The native list.</summary>
    public mlx_vector_array Handle { get; }

    /// <summary>Takes the arrays out of a list that an operation returned, and frees the list.</summary>
    public static MlxArray[] Take(mlx_vector_array vector)
    {
        try
        {
            MlxArray[] arrays = new MlxArray[(int)Checked.mlx_vector_array_size(vector)];
            for (int i = 0; i < arrays.Length; i++)
                arrays[i] = MlxArray.Adopt(Checked.mlx_vector_array_get(vector, (nuint)i));
            return arrays;
        }
        finally
        {
            Checked.mlx_vector_array_free(vector);
        }
    }

    /// <summary>Takes two or three arrays out of such a list, without a list of our own.</summary>
    public static (MlxArray First, MlxArray Second, MlxArray? Third) TakeThree(mlx_vector_array vector)
    {
        try
        {
            return (
                MlxArray.Adopt(Checked.mlx_vector_array_get(vector, 0)),
                MlxArray.Adopt(Checked.mlx_vector_array_get(vector, 1)),
                Checked.mlx_vector_array_size(vector) > 2
                    ? MlxArray.Adopt(Checked.mlx_vector_array_get(vector, 2))
                    : null);
        }
        finally
        {
            Checked.mlx_vector_array_free(vector);
        }
    }

    public void Dispose()
    {
        Checked.mlx_vector_array_free(Handle);
        foreach (MlxArray array in _arrays)
            GC.KeepAlive(array);
    }
}
