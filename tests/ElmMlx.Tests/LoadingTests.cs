using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using ElmMlx.BindingsGenerator;
using Xunit;

namespace ElmMlx.Tests;

public sealed unsafe class LoadingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-loading-").FullName;
    private MlxTable _table;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Missing_library_is_named()
    {
        var path = Path.Combine(_folder, "nowhere", MlxLibrary.FileName);

        var error = Assert.Throws<DllNotFoundException>(() => Load(path));

        AssertOneSentence(error, path, MlxLibrary.PathVariable);
    }

    [Fact]
    public void File_that_is_no_library_is_named()
    {
        var path = Path.Combine(_folder, MlxLibrary.FileName);
        File.WriteAllText(path, "not a library");

        var error = Assert.Throws<DllNotFoundException>(() => Load(path));

        AssertOneSentence(error, path, "cannot be loaded");
    }

    [Fact]
    public void Another_library_is_refused()
    {
        var path = AnotherLibrary();

        var error = Assert.Throws<MlxLibraryException>(() => Load(path));

        AssertOneSentence(error, path, "is not MLX's C library");
    }

    [CompilerFact]
    public void Library_of_zlib_s_names_is_refused()
    {
        var api = StubLibrary.Interface("0.5.0");
        var zlib = api with { Functions = [new("zlibVersion", "zlib.h", "const char *", [])] };
        var path = StubLibrary.Compile(_folder, zlib);

        var error = Assert.Throws<MlxLibraryException>(() => Load(path));

        AssertOneSentence(error, "is not MLX's C library", "mlx_array_new");
    }

    [CompilerFact]
    public void Library_that_lacks_a_symbol_is_refused_by_its_name()
    {
        var api = StubLibrary.Interface("0.6.0");
        var most = api with { Functions = [.. api.Functions.Where(f => f.Name != "mlx_matmul")] };
        var path = StubLibrary.Compile(_folder, most);

        var error = Assert.Throws<MlxLibraryException>(() => Load(path));

        AssertOneSentence(error, path, "mlx_matmul", "0.6.0");
    }

    [CompilerFact]
    public void Version_0_4_1_is_too_old()
    {
        var api = StubLibrary.Interface("0.5.0");
        var old = new FunctionDescription("mlx_metal_device_info", "metal.h", "int", []);
        var path = StubLibrary.Compile(_folder, api with { Functions = [.. api.Functions, old] });

        var error = Assert.Throws<MlxLibraryException>(() => Load(path));

        AssertOneSentence(error, path, "0.4.1 or older", "0.5.0");
    }

    [CompilerFact]
    public void Version_0_5_0_is_recognised_and_adapted()
    {
        var library = Load(StubLibrary.Compile(_folder, StubLibrary.Interface("0.5.0"), "0.29.4"));

        Assert.Equal(("0.5.0", "0.29.4"), (library.InterfaceVersion, library.MlxVersion));
        AssertRecorded(library, "mlx_quantize", [1, 2, 64, -1, 5, 0], Quantize(globalScale: 0));
        AssertRecorded(library, "mlx_dequantize", [1, 2, 3, 0, 32, 4, 5, -1, 0], Dequantize());
        AssertRecorded(library, "mlx_qqmm", [1, 2, 3, 4, 32, 8, 5, 0], QuantizedMatmul());
        AssertRecorded(library, "mlx_fft_fft", [1, 2, 16, -1, 0], Fft(mlx_fft_norm.MLX_FFT_NORM_BACKWARD));
        Assert.False(_table.mlx_distributed_is_available(null));
        Assert.Equal(("mlx_distributed_is_available", 0), Recorded(library));
        AssertGroups(library, bk: false);
    }

    [CompilerFact]
    public void Version_0_6_0_is_recognised_and_adapted()
    {
        var library = Load(StubLibrary.Compile(_folder, StubLibrary.Interface("0.6.0"), "0.31.1"));

        Assert.Equal(("0.6.0", "0.31.1"), (library.InterfaceVersion, library.MlxVersion));
        AssertRecorded(library, "mlx_quantize", [1, 2, 64, -1, 5, 9, 0], Quantize(globalScale: 9));
        AssertRecorded(library, "mlx_fft_fft", [1, 2, 16, -1, 0], Fft(mlx_fft_norm.MLX_FFT_NORM_BACKWARD));
        AssertGroups(library, bk: true);
    }

    [CompilerFact]
    public void Version_fba4470_is_called_as_it_is()
    {
        var library = Load(StubLibrary.Compile(_folder, StubLibrary.Interface("fba4470")));

        Assert.Equal(("fba4470", "0.31.2"), (library.InterfaceVersion, library.MlxVersion));
        AssertRecorded(library, "mlx_quantize", [1, 2, 64, -1, 5, 9, 0], Quantize(globalScale: 9));
        AssertRecorded(library, "mlx_fft_fft", [1, 2, 16, -1, 1, 0], Fft(mlx_fft_norm.MLX_FFT_NORM_ORTHO));
    }

    [CompilerFact]
    public void Argument_that_an_older_version_has_no_parameter_for_is_an_error()
    {
        Load(StubLibrary.Compile(_folder, StubLibrary.Interface("0.5.0")));

        Assert.Equal(1, Quantize(globalScale: 9));
        Assert.Equal(
            "mlx_quantize of mlx-c 0.5.0 has no global_scale: leave it empty, or install a newer mlx-c",
            MlxError.Take());
        Assert.Equal(1, Fft(mlx_fft_norm.MLX_FFT_NORM_ORTHO));
        Assert.Contains("norm", MlxError.Take());
    }

    [CompilerFact]
    public void Function_that_an_older_version_lacks_is_an_error_not_a_crash()
    {
        Load(StubLibrary.Compile(_folder, StubLibrary.Interface("0.5.0")));

        Assert.Equal(1, _table.mlx_hanning(null, 4, default));
        Assert.Contains("mlx_hanning is not in the mlx-c that was loaded: it came with 0.6.0", MlxError.Take());
        Assert.True(_table.mlx_io_gguf_new().ctx is null);
        Assert.Contains("mlx_io_gguf_new", MlxError.Take());
        Assert.DoesNotContain((nint)0, MlxTable.Slots(ref _table).ToArray());
    }

    [CompilerFact]
    public void Refused_library_leaves_the_table_as_it_was()
    {
        var api = StubLibrary.Interface("fba4470");
        var good = StubLibrary.Compile(Path.Combine(_folder, "good"), api);
        var less = api with { Functions = [.. api.Functions.SkipLast(1)] };
        var bad = StubLibrary.Compile(Path.Combine(_folder, "bad"), less);
        Load(good);
        var before = MlxTable.Slots(ref _table).ToArray();

        Assert.Throws<MlxLibraryException>(() => Load(bad));

        Assert.Equal(before, MlxTable.Slots(ref _table).ToArray());
    }

    [CompilerFact]
    public void Newer_library_with_known_headers_is_accepted()
    {
        var api = StubLibrary.Interface("fba4470");
        var more = ChangeDtypes(members => [.. members, new("MLX_FLOAT8", members.Count)]) with
        {
            Functions = [.. api.Functions, new("mlx_brand_new", "ops.h", "int", [new("x", "const mlx_array")])],
        };

        var library = Load(Newer(more));

        Assert.Equal(("newer than fba4470", "0.99.0"), (library.InterfaceVersion, library.MlxVersion));
    }

    [CompilerFact]
    public void Newer_library_with_a_changed_signature_is_refused_by_its_first_difference()
    {
        var path = Newer(Change("mlx_softmax", f => f with { Parameters = [.. f.Parameters, new("scale", "float")] }));

        var error = Assert.Throws<MlxLibraryException>(() => Load(path));

        AssertOneSentence(error, path, "ops.h", "mlx_softmax", "float)", MlxLibrary.UncheckedVariable + "=1");
    }

    [CompilerFact]
    public void Newer_library_with_a_renumbered_enumeration_is_refused()
    {
        var path = Newer(ChangeDtypes(members => [.. members.Skip(1)]));

        var error = Assert.Throws<MlxLibraryException>(() => Load(path));

        AssertOneSentence(error, "mlx_dtype");
    }

    [CompilerFact]
    public void Newer_library_with_a_changed_structure_is_refused()
    {
        var api = StubLibrary.Interface("fba4470");
        var path = Newer(api with
        {
            Structs =
            [
                .. api.Structs.Select(s =>
                    s.Name == "mlx_optional_int" ? s with { Fields = [.. s.Fields.Reverse()] } : s),
            ],
        });

        var error = Assert.Throws<MlxLibraryException>(() => Load(path));

        AssertOneSentence(error, "mlx_optional_int", "{bool has_value;int value}");
    }

    [CompilerFact]
    public void Changed_signature_is_accepted_when_checking_is_turned_off()
    {
        var path = Newer(Change("mlx_softmax", f => f with { Returns = "void" }));

        Assert.Equal("newer than fba4470", Load(path, isUnchecked: true).InterfaceVersion);
    }

    [CompilerFact]
    public void Newer_library_without_headers_is_refused_unless_checking_is_turned_off()
    {
        var path = StubLibrary.Compile(_folder, StubLibrary.Interface("fba4470"), "0.99.0");

        var error = Assert.Throws<MlxLibraryException>(() => Load(path));

        AssertOneSentence(error, path, "0.99.0", "headers", MlxLibrary.UncheckedVariable + "=1");
        Assert.Equal("newer than fba4470", Load(path, isUnchecked: true).InterfaceVersion);
    }

    [CompilerFact]
    public void Headers_are_found_where_a_link_leads()
    {
        var path = Newer(Change("mlx_softmax", f => f with { Returns = "void" }));
        var link = Path.Combine(_folder, "elsewhere", MlxLibrary.FileName);
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        File.CreateSymbolicLink(link, path);

        var error = Assert.Throws<MlxLibraryException>(() => Load(link));

        AssertOneSentence(error, "mlx_softmax");
    }

    [CompilerFact]
    public void Search_takes_the_named_one_then_the_application_s_then_Homebrew_s()
    {
        var (named, application, homebrew) = (Folder("named"), Folder("application"), Folder("homebrew"));

        Assert.Equal(MlxLibraryOrigin.Named, Search(named, application, homebrew));
        Assert.Equal(MlxLibraryOrigin.Named, Search(Path.Combine(named, MlxLibrary.FileName), application, homebrew));
        Assert.Equal(MlxLibraryOrigin.Application, Search(null, application, homebrew));
        Assert.Equal(MlxLibraryOrigin.Homebrew, Search("", _folder, homebrew));

        string Folder(string name)
        {
            var folder = Path.Combine(_folder, name);
            StubLibrary.Compile(folder, StubLibrary.Interface("0.6.0"));
            return folder;
        }
    }

    private MlxLibraryOrigin Search(string? named, string application, string homebrew) =>
        MlxLibrary.Search(named, application, homebrew, ref _table)!.Origin;

    private MlxLibrary Load(string path, bool isUnchecked = false) =>
        MlxLibrary.Load(path, MlxLibraryOrigin.Named, ref _table, isUnchecked);

    // A library of a newer MLX, with its headers in the same prefix.
    private string Newer(CInterface headers)
    {
        StubLibrary.WriteHeaders(_folder, headers);
        return StubLibrary.Compile(Path.Combine(_folder, "lib"), StubLibrary.Interface("fba4470"), "0.99.0");
    }

    private static CInterface Change(string function, Func<FunctionDescription, FunctionDescription> change)
    {
        var api = StubLibrary.Interface("fba4470");
        return api with { Functions = [.. api.Functions.Select(f => f.Name == function ? change(f) : f)] };
    }

    private static CInterface ChangeDtypes(Func<IReadOnlyList<CEnumMember>, IReadOnlyList<CEnumMember>> change)
    {
        var api = StubLibrary.Interface("fba4470");
        return api with
        {
            Enums = [.. api.Enums.Select(e => e.Name == "mlx_dtype" ? e with { Members = change(e.Members) } : e)],
        };
    }

    private int Quantize(nint globalScale) => _table.mlx_quantize(
        (mlx_vector_array*)1, Array(2), Some(64), default, (byte*)5, Array(globalScale), default);

    private int Dequantize() => _table.mlx_dequantize(
        (mlx_array*)1, Array(2), Array(3), default, Some(32), Some(4), (byte*)5, default, default, default);

    private int QuantizedMatmul() => _table.mlx_qqmm(
        (mlx_array*)1, Array(2), Array(3), Array(4), Some(32), Some(8), (byte*)5, default, default, default);

    private int Fft(mlx_fft_norm norm) => _table.mlx_fft_fft((mlx_array*)1, Array(2), 16, -1, norm, default);

    // Handles that older versions return and the newest stores.
    private void AssertGroups(MlxLibrary library, bool bk)
    {
        mlx_distributed_group group;
        Assert.Equal(0, _table.mlx_distributed_init(&group, true, null));
        Assert.Equal(StubLibrary.Handle, (nint)group.ctx);
        Assert.Equal(("mlx_distributed_init", bk ? 2 : 1), Recorded(library));
        Assert.Equal(1, Argument(library, 0));

        mlx_distributed_group part;
        Assert.Equal(0, _table.mlx_distributed_group_split(&part, group, 5, 6));
        Assert.Equal(StubLibrary.Handle, (nint)part.ctx);
        Assert.Equal([StubLibrary.Handle, 5, 6], Enumerable.Range(0, 3).Select(i => Argument(library, i)));
    }

    private static void AssertRecorded(MlxLibrary library, string function, long[] arguments, int code)
    {
        Assert.Equal(0, code);
        Assert.Equal((function, arguments.Length), Recorded(library));
        Assert.Equal(arguments, Enumerable.Range(0, arguments.Length).Select(i => Argument(library, i)));
    }

    private static (string Name, int Count) Recorded(MlxLibrary library)
    {
        var handle = NativeLibrary.Load(library.Path);
        var name = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(handle, "stub_name");
        var count = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(handle, "stub_count");
        return (Marshal.PtrToStringUTF8(name())!, count());
    }

    private static long Argument(MlxLibrary library, int index)
    {
        var handle = NativeLibrary.Load(library.Path);
        return ((delegate* unmanaged[Cdecl]<int, long>)NativeLibrary.GetExport(handle, "stub_argument"))(index);
    }

    private static mlx_array Array(nint ctx) => new() { ctx = (void*)ctx };

    private static mlx_optional_int Some(int value) => new() { value = value, has_value = true };

    private static void AssertOneSentence(Exception error, params string[] parts)
    {
        Assert.All(parts, part => Assert.Contains(part, error.Message));
        Assert.DoesNotContain('\n', error.Message);
        Assert.False(error.Message.EndsWith('.'));
    }

    // A library that is on every machine: the runtime's own.
    private static string AnotherLibrary()
    {
        var name = OperatingSystem.IsWindows() ? "System.IO.Compression.Native.dll"
            : OperatingSystem.IsMacOS() ? "libSystem.Native.dylib" : "libSystem.Native.so";
        return Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), name);
    }
}
