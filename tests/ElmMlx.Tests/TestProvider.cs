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
}
