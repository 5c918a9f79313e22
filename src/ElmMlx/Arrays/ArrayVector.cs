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
        mlx_array[] handles = new mlx_array[arrays.Length];
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
                arrays[i] = new MlxArray(Checked.mlx_vector_array_get(vector, (nuint)i));
            return arrays;
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
