namespace ElmMlx.Nn;

/// <summary>Arrays that an object owns: no scope frees them, the owner does.</summary>
internal static class Owned
{
    /// <summary>Takes an array out of the scope it was made in.</summary>
    public static MlxArray Take(MlxArray array)
    {
        array.LeaveScopes();
        return array;
    }

    /// <summary>
    /// The same for an owner that frees it exactly once and shows it to nobody: the array's object may be used
    /// again (<see cref="ArrayScope.Recycling"/>).
    /// </summary>
    /// <param name="array">The array.</param>
    /// <param name="former">The one whose place it takes, freed right afterwards; null if it takes none's.</param>
    public static MlxArray TakeInPrivate(MlxArray array, MlxArray? former = null)
    {
        array.LeaveScopes(stayRecyclable: true, former);
        return array;
    }
}
