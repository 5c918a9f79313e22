using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using ElmMlx.Cpu;

namespace ElmMlx;

/// <summary>Fills the function table, once, before anything else is called, and installs the error handler.</summary>
internal static class RuntimeLoader
{
    /// <summary>The variable that chooses: <c>auto</c>, <c>mlx</c> or <c>cpu</c>.</summary>
    public const string ProviderVariable = "ELMMLX_PROVIDER";

    private static readonly Lock Loading = new();
    private static volatile ProviderInfo? s_info;

    /// <summary>Who computes.</summary>
    public static ProviderInfo Info => s_info ?? Load();

    /// <summary>Loads the provider on the first call.</summary>
    /// <exception cref="MlxException">None could be loaded; the message says what to do.</exception>
    public static void EnsureLoaded()
    {
        if (s_info is null)
            Load();
    }

    /// <summary>The choice that <paramref name="value"/> names; null for automatic.</summary>
    /// <exception cref="MlxException">It names none.</exception>
    public static ProviderKind? Parse(string? value) => value switch
    {
        null or "" or "auto" => null,
        "mlx" => ProviderKind.Mlx,
        "cpu" => ProviderKind.Cpu,
        _ => throw new MlxException($"{ProviderVariable} is '{value}': set it to auto, mlx or cpu"),
    };

    private static ProviderInfo Load()
    {
        lock (Loading)
            return s_info ??= Load(Parse(Environment.GetEnvironmentVariable(ProviderVariable)));
    }

    private static ProviderInfo Load(ProviderKind? wanted)
    {
        if (wanted is not ProviderKind.Cpu && LoadMlx() is { } mlx)
            return mlx;
        if (wanted is ProviderKind.Mlx)
        {
            throw new MlxException(
                $"{ProviderVariable} is mlx, but there is no libmlxc: install it (on a Mac: brew install mlx-c), "
                + $"or give its path in {MlxLibrary.PathVariable}");
        }

        Mlx.Fill(Exports.Address);
        MlxError.Install();
        return new ProviderInfo(ProviderKind.Cpu, null, "part of ElmMlx", "fba4470", Version());
    }

    private static ProviderInfo? LoadMlx()
    {
        try
        {
            MlxLibrary? library = MlxLibrary.Search(); // which installs the error handler before anything else
            if (library is null)
                return null;
            string origin = library.Origin switch
            {
                MlxLibraryOrigin.Named => $"named by {MlxLibrary.PathVariable}",
                MlxLibraryOrigin.Application => "beside the application",
                MlxLibraryOrigin.Homebrew => "Homebrew",
                _ => "the system's library path",
            };
            return new ProviderInfo(
                ProviderKind.Mlx, library.Path, origin, library.InterfaceVersion, library.MlxVersion);
        }
        catch (Exception e) when (e is DllNotFoundException or MlxLibraryException)
        {
            throw new MlxException(e.Message, e);
        }
    }

    private static unsafe string? Version()
    {
        mlx_string text = Mlx.mlx_string_new();
        string? version = Mlx.mlx_version(&text) == 0 ? Marshal.PtrToStringUTF8((nint)Mlx.mlx_string_data(text)) : null;
        MlxError.Take();
        _ = Mlx.mlx_string_free(text);
        return version;
    }
}
