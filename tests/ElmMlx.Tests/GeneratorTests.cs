using ElmMlx.BindingsGenerator;
using Xunit;

namespace ElmMlx.Tests;

public class GeneratorTests
{
    public static TheoryData<string> GeneratedFiles() => [.. Emitter.FromFolder(Bindings).Files().Select(f => f.Path)];

    private static string Bindings => Path.Combine(AppContext.BaseDirectory, "bindings");

    [Theory]
    [MemberData(nameof(GeneratedFiles))]
    public void Emit_from_the_descriptions_gives_the_files_that_are_checked_in(string path)
    {
        var (_, emitted) = Emitter.FromFolder(Bindings).Files().Single(f => f.Path == path);

        Assert.Equal(File.ReadAllText(CheckedIn(path)), emitted);
    }

    [Fact]
    public void Emit_twice_gives_the_same_bytes() =>
        Assert.Equal(Emitter.FromFolder(Bindings).Files(), Emitter.FromFolder(Bindings).Files());

    [Theory]
    [InlineData("0.5.0", 586)]
    [InlineData("0.6.0", 590)]
    [InlineData("fba4470", 620)]
    public void Description_survives_writing_and_has_all_functions(string version, int functions)
    {
        var json = File.ReadAllText(Path.Combine(Bindings, $"mlx-c-{version}.json"));

        var api = CInterfaceJson.Read(json);

        Assert.Equal(version, api.Version);
        Assert.Equal(functions, api.Functions.Count);
        Assert.Equal(json, CInterfaceJson.Write(api));
    }

    [Theory]
    [InlineData("""{ "left-out": { "mlx_gone": "why" } }""", "mlx_gone")]
    [InlineData("""{ "nullable": { "mlx_add": ["c"] } }""", "mlx_add.c")]
    [InlineData("""{ "nullable": { "mlx_quantize": ["global_scale"] } }""", "mlx_quantize.global_scale")]
    [InlineData("""{ "owned": { "mlx_add": { "payload": "the array's" } } }""", "mlx_add.payload")]
    public void Stale_exception_is_an_error_that_names_it(string exceptions, string fact)
    {
        var error = Assert.Throws<InvalidDataException>(() => new Emitter([Known("fba4470")], exceptions));

        Assert.Contains(fact, error.Message);
        Assert.Contains("stale", error.Message);
    }

    [Fact]
    public void Variadic_function_that_is_not_left_out_is_an_error()
    {
        var error = Assert.Throws<InvalidDataException>(() => new Emitter([Known("fba4470")], "{}"));

        Assert.Contains("_mlx_error", error.Message);
    }

    [Fact]
    public void Unknown_C_type_is_an_error_that_names_it()
    {
        var odd = new FunctionDescription("mlx_odd", "ops.h", "int", [new("x", "long double")]);
        var emitter = new Emitter([Known("fba4470") with { Functions = [odd] }], "{}");

        var error = Assert.Throws<InvalidDataException>(() => emitter.Files().ToList());

        Assert.Contains("long double", error.Message);
    }

    [Fact]
    public void New_parameter_without_an_empty_value_needs_an_adapter_by_hand()
    {
        var old = Known("fba4470") with { Version = "1", Functions = [new("mlx_f", "ops.h", "int", [])] };
        var api = old with { Version = "2", Functions = [new("mlx_f", "ops.h", "int", [new("eps", "float")])] };

        var error = Assert.Throws<InvalidDataException>(() => new Emitter([old, api], "{}").Files().ToList());

        Assert.Contains("eps", error.Message);
    }

    private static CInterface Known(string version) =>
        CInterfaceJson.Read(File.ReadAllText(Path.Combine(Bindings, $"mlx-c-{version}.json")));

    // The project copies them beside the test assembly: source paths are remapped in deterministic builds.
    private static string CheckedIn(string path) =>
        path.StartsWith("tests/", StringComparison.Ordinal) ? Repository.At(path)
        : Path.Combine(
            AppContext.BaseDirectory,
            path.StartsWith("bindings/", StringComparison.Ordinal) ? path : $"native/{Path.GetFileName(path)}");
}
