using System.Runtime.InteropServices;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The CPU provider as a C library: its symbols, its size, and C programs that use and misuse it.</summary>
public sealed class NativeLibraryTests : IDisposable
{
    private const string Printed = """
        sum = array([11, 22, 33], dtype=float32)
        sum of squares = array(14, dtype=float32)
        its gradient = array([2, 4, 6], dtype=float32)
        2 errors were reported
        sum is still = array([11, 22, 33], dtype=float32)
        memory was given back 1 time

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-native-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [NativeFact]
    public void Library_exports_every_function_and_is_small()
    {
        nint library = NativeLibrary.Load(CProgram.Library);

        string[] missing = [.. StubLibrary.Interface("fba4470").Functions.Select(f => f.Name)
            .Where(name => !NativeLibrary.TryGetExport(library, name, out _))];

        Assert.Empty(missing);
        Assert.InRange(new FileInfo(CProgram.Library).Length, 1, 8_000_000);
    }

    [NativeFact]
    public void C_program_prints_what_it_prints_with_MLX()
    {
        string program = CProgram.Compile(_folder, Repository.At("native/smoke.c"));

        Assert.Equal((0, Printed), CProgram.Run(program));
    }

    [NativeFact]
    public void Error_without_a_handler_is_printed_last_and_ends_the_program()
    {
        string program = CProgram.Compile(_folder, Repository.At("native/smoke.c"));

        Assert.Equal((255, Printed + "MLX error: asked for more at smoke.c:2\n"), CProgram.Run(program, "more"));
    }

    [NativeFact]
    public void Handles_that_are_no_good_are_errors()
    {
        string source = Path.Combine(_folder, "misuse.c");
        File.WriteAllText(source, MisuseProgram.Source(StubLibrary.Interface("fba4470")));

        (int code, string output) = CProgram.Run(CProgram.Compile(_folder, source));

        string[] lines = output.TrimEnd().Split('\n');
        Assert.True(code == 0 && lines[^1].EndsWith(" errors", StringComparison.Ordinal), $"ended with {code} after {lines[^1]}");
        Assert.Equal([], lines.Where(line => line.StartsWith("accepted", StringComparison.Ordinal)));
    }
}
