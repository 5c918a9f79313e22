namespace ElmMlx.Nn;

/// <summary>Arrays that an object owns: no scope frees them, the owner does.</summary>
internal static class Owned
{
    /// <summary>Takes an array out of the scope it was made in.</summary>
    public static MlxArray Take(MlxArray array)
    {
        array.Scope?.Forget(array);
        return array;
    }
}
