using System.Runtime.InteropServices;
using ElmMlx.Bindings;
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

    // C# has no place for these four in its table: they are there for compilers that know the types.
    [NativeFact]
    public unsafe void Halves_are_read_as_sixteen_bits()
    {
        nint library = NativeLibrary.Load(CProgram.Library);
        var make = (delegate* unmanaged[Cdecl]<void*, int*, int, mlx_dtype, mlx_array>)Export("mlx_array_new_data");
        var free = (delegate* unmanaged[Cdecl]<mlx_array, int>)Export("mlx_array_free");
        Reads(mlx_dtype.MLX_FLOAT16, BitConverter.HalfToUInt16Bits((Half)(-1.5f)), "float16");
        Reads(mlx_dtype.MLX_BFLOAT16, (ushort)(BitConverter.SingleToUInt32Bits(-1.5f) >> 16), "bfloat16");

        nint Export(string name) => NativeLibrary.GetExport(library, name);

        void Reads(mlx_dtype type, ushort bits, string name)
        {
            var item = (delegate* unmanaged[Cdecl]<ushort*, mlx_array, int>)Export("mlx_array_item_" + name);
            var data = (delegate* unmanaged[Cdecl]<mlx_array, ushort*>)Export("mlx_array_data_" + name);
            mlx_array array = make(&bits, null, 0, type);
            ushort got = 0;
            Assert.Equal(0, item(&got, array));
            Assert.Equal((bits, bits), (got, *data(array)));
            Assert.Equal(0, free(array));
        }
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
        Assert.True(code == 0
            && lines[^1].EndsWith(" errors", StringComparison.Ordinal), $"ended with {code} after {lines[^1]}");
        Assert.Equal([], lines.Where(line => line.StartsWith("accepted", StringComparison.Ordinal)));
    }
}
