using System.Runtime.InteropServices;

namespace ElmMlx.Bindings;

/// <summary>A loaded libmlxc: found, recognised, and behind the newest signatures whatever its version.</summary>
public sealed unsafe class MlxLibrary
{
    /// <summary>The variable that names a libmlxc, or the folder that holds it.</summary>
    public const string PathVariable = "ELMMLX_MLXC";

    /// <summary>The variable that, set to 1, uses a libmlxc whose signatures are not known.</summary>
    public const string UncheckedVariable = "ELMMLX_UNCHECKED_ABI";

    private static readonly Version NewestKnownMlx = new(0, 31, 2);

    private MlxLibrary(string path, MlxLibraryOrigin origin, string interfaceVersion, string? mlxVersion)
    {
        Path = path;
        Origin = origin;
        InterfaceVersion = interfaceVersion;
        MlxVersion = mlxVersion;
    }

    /// <summary>The file, as far as the system tells.</summary>
    public string Path { get; }

    /// <summary>Where it was found.</summary>
    public MlxLibraryOrigin Origin { get; }

    /// <summary>The version of mlx-c, recognised by its symbols: <c>0.5.0</c>, <c>0.6.0</c>, <c>fba4470</c>, or
    /// <c>newer than fba4470</c>.</summary>
    public string InterfaceVersion { get; }

    /// <summary>The version of MLX that it reports; null when it reports none.</summary>
    public string? MlxVersion { get; }

    /// <summary>The library's file name on this system.</summary>
    internal static string FileName =>
        OperatingSystem.IsMacOS() ? "libmlxc.dylib" : OperatingSystem.IsWindows() ? "libmlxc.dll" : "libmlxc.so";

    /// <summary>Loads a libmlxc into <see cref="Mlx"/>.</summary>
    /// <param name="path">The file, or the folder that holds it.</param>
    /// <exception cref="DllNotFoundException">It is not there, or the system cannot load it.</exception>
    /// <exception cref="MlxLibraryException">It is not mlx-c, or one whose signatures are not known.</exception>
    public static MlxLibrary Load(string path) => Load(path, MlxLibraryOrigin.Named, ref Mlx.Table, IsUnchecked);

    /// <summary>Finds a libmlxc and loads it into <see cref="Mlx"/>: the one that <c>ELMMLX_MLXC</c> names, else
    /// beside the application, in Homebrew's prefix, on the system's library path.</summary>
    /// <returns>Null when there is none.</returns>
    /// <exception cref="DllNotFoundException">The named one, or the first one found, cannot be loaded.</exception>
    /// <exception cref="MlxLibraryException">It is not mlx-c, or one whose signatures are not known.</exception>
    public static MlxLibrary? Search() => Search(
        Environment.GetEnvironmentVariable(PathVariable), AppContext.BaseDirectory, "/opt/homebrew/lib", ref Mlx.Table);

    internal static MlxLibrary? Search(string? named, string application, string homebrew, ref MlxTable table)
    {
        if (!string.IsNullOrEmpty(named))
            return Load(named, MlxLibraryOrigin.Named, ref table, IsUnchecked);
        var beside = System.IO.Path.Combine(application, FileName);
        if (File.Exists(beside))
            return Load(beside, MlxLibraryOrigin.Application, ref table, IsUnchecked);
        var brewed = System.IO.Path.Combine(homebrew, FileName);
        if (File.Exists(brewed))
            return Load(brewed, MlxLibraryOrigin.Homebrew, ref table, IsUnchecked);
        return NativeLibrary.TryLoad(FileName, out var handle)
            ? Use(handle, FileName, MlxLibraryOrigin.System, ref table, IsUnchecked)
            : null;
    }

    internal static MlxLibrary Load(string path, MlxLibraryOrigin origin, ref MlxTable table, bool isUnchecked)
    {
        path = System.IO.Path.GetFullPath(Directory.Exists(path) ? System.IO.Path.Combine(path, FileName) : path);
        if (!File.Exists(path))
        {
            throw new DllNotFoundException(
                $"{path} does not exist: give the path of {FileName} in {PathVariable}, or unset it");
        }

        nint handle;
        try
        {
            handle = NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new DllNotFoundException($"{path} cannot be loaded: {FirstLine(e.Message)}");
        }

        return Use(handle, path, origin, ref table, isUnchecked);
    }

    private static bool IsUnchecked => Environment.GetEnvironmentVariable(UncheckedVariable) == "1";

    private static MlxLibrary Use(
        nint handle, string path, MlxLibraryOrigin origin, ref MlxTable table, bool isUnchecked)
    {
        int version;
        MlxTable filled = default;
        try
        {
            path = NativePath.Of(handle, "mlx_array_new") ?? path;
            version = Recognise(handle, path);
            FillFrom(handle, path, version, ref filled);
        }
        catch (MlxLibraryException)
        {
            NativeLibrary.Free(handle); // nothing in it has run yet
            throw;
        }

        filled.mlx_set_error_handler(MlxError.Handler, null, null);
        var mlx = ReadMlxVersion(filled);
        var isNewer = version == KnownVersions.Newest && Version.TryParse(mlx, out var v) && v > NewestKnownMlx;
        if (!isUnchecked)
            CheckHeaders(path, version, isNewer ? mlx : null);
        table = filled;
        var name = KnownVersions.Names[version];
        return new(path, origin, isNewer ? $"newer than {name}" : name, mlx);
    }

    // mlx-c tells MLX's version but not its own, so its symbols tell it.
    private static int Recognise(nint library, string path)
    {
        if (!Has(library, "mlx_array_new"))
        {
            throw new MlxLibraryException(
                $"{path} is not MLX's C library: it has no mlx_array_new; name a {FileName} in {PathVariable}");
        }

        if (Has(library, "mlx_metal_device_info"))
            throw new MlxLibraryException($"{path} is mlx-c 0.4.1 or older: install 0.5.0 or newer");
        return Has(library, "mlx_load_gguf") ? KnownVersions.Newest : Has(library, "mlx_hanning") ? 1 : 0;
    }

    private static void FillFrom(nint library, string path, int version, ref MlxTable table)
    {
        var slots = MlxTable.Slots(ref table);
        for (var i = 0; i < MlxTable.Count; i++)
        {
            var name = MlxTable.Names[i];
            if (NativeLibrary.TryGetExport(library, name, out var address))
            {
                var adapter = KnownVersions.Adapt(version, name, address);
                slots[i] = adapter != 0 ? adapter : address;
            }
            else
            {
                slots[i] = MissingFunctions.Address(version, name);
                if (slots[i] == 0)
                {
                    throw new MlxLibraryException(
                        $"{path} has no {name}, which mlx-c {KnownVersions.Names[version]} has: install a "
                            + "complete mlx-c");
                }
            }
        }
    }

    private static void CheckHeaders(string path, int version, string? newerMlx)
    {
        var headers = HeaderFolder(path);
        if (headers is null)
        {
            if (newerMlx is null)
                return;
            throw new MlxLibraryException(
                $"{path} is built with MLX {newerMlx}, newer than the {NewestKnownMlx} this was made for, and has no "
                + $"headers beside it to compare: install mlx-c {KnownVersions.Names[1]} or the headers, "
                + $"or set {UncheckedVariable}=1 to use it unchecked");
        }

        if (HeaderPrototypes.FirstDifference(headers, version) is { } difference)
        {
            throw new MlxLibraryException(
                $"{path} speaks another interface: {difference}; install mlx-c {KnownVersions.Names[1]}, "
                + $"or set {UncheckedVariable}=1 to use it unchecked");
        }
    }

    // <prefix>/lib/libmlxc.dylib has <prefix>/include/mlx/c, where it stands or where its links lead.
    private static string? HeaderFolder(string path)
    {
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        foreach (var file in (string[])[path, target])
        {
            var folder = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(file)!, "..", "include", "mlx", "c");
            if (File.Exists(System.IO.Path.Combine(folder, "mlx.h")))
                return System.IO.Path.GetFullPath(folder);
        }

        return null;
    }

    private static string? ReadMlxVersion(in MlxTable table)
    {
        var text = table.mlx_string_new();
        var version = table.mlx_version(&text) == 0
            ? Marshal.PtrToStringUTF8((nint)table.mlx_string_data(text))
            : null;
        _ = table.mlx_string_free(text);
        return version;
    }

    private static bool Has(nint library, string symbol) => NativeLibrary.TryGetExport(library, symbol, out _);

    private static string FirstLine(string text) => text.AsSpan().Trim().ToString().Split('\n')[0].TrimEnd('\r', '.');
}
