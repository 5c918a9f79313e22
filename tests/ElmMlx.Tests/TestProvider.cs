using System.Runtime.InteropServices;

namespace ElmMlx.Tests;

/// <summary>The provider that this run of the suite tests: <c>ELMMLX_PROVIDER</c> chooses it, as everywhere.</summary>
internal static class TestProvider
{
    private static readonly Lazy<bool> IsOurLibrary = new(() =>
        MlxRuntime.Provider.Path is { } path
        && NativeLibrary.TryGetExport(NativeLibrary.Load(path), "elmmlx_report_error", out _));

    /// <summary>Whether the arrays come from MLX, and not from the CPU provider compiled as a C library.</summary>
    public static bool IsMlx => MlxRuntime.Provider.Kind is ProviderKind.Mlx && !IsOurLibrary.Value;

    /// <summary>Whether the arrays come from the CPU provider in this process's own runtime.</summary>
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
