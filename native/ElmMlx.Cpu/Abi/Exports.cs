using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

public static unsafe partial class Exports
{
    private static readonly Dictionary<string, int> Indices = IndicesByName();

    /// <summary>
    /// The address of a C function in this process; zero for a name that the interface does not have.
    /// </summary>
    public static nint Address(string name) => Indices.TryGetValue(name, out var index) ? Address(index) : 0;

    // A plain loop over a plain dictionary: this runs before the first array, and code for both is precompiled.
    private static Dictionary<string, int> IndicesByName()
    {
        var names = Mlx.Names;
        var indices = new Dictionary<string, int>(names.Count);
        for (var i = 0; i < names.Count; i++)
            indices.Add(names[i], i);
        return indices;
    }
}
