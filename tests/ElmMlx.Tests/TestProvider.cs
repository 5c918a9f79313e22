namespace ElmMlx.Tests;

/// <summary>The provider that this run of the suite tests: <c>ELMMLX_PROVIDER</c> chooses it, as everywhere.</summary>
internal static class TestProvider
{
    /// <summary>Whether the arrays come from libmlxc.</summary>
    public static bool IsMlx => MlxRuntime.Provider.Kind is ProviderKind.Mlx;

    /// <summary>Whether the arrays come from the CPU provider.</summary>
    public static bool IsCpu => MlxRuntime.Provider.Kind is ProviderKind.Cpu;

    /// <summary>
    /// Whether the provider under test has a C function: the list of those that the CPU provider lacks is the one that the
    /// replay of all operations keeps true.
    /// </summary>
    public static bool Has(string function)
    {
        string list = Fixtures.Path("cpu-not-implemented.txt");
        return IsMlx || !File.Exists(list) || !File.ReadLines(list).Contains(function);
    }
}
