using System.Reflection;
using ElmMlx.Bindings;
using ElmMlx.Cpu;
using Xunit;

namespace ElmMlx.Tests;

public unsafe class BindingsTests
{
    [Fact]
    public void Fill_from_the_Cpu_provider_gives_every_function_its_own_address()
    {
        var table = Filled();

        var addresses = MlxTable.Slots(ref table).ToArray();
        Assert.Equal(615, addresses.Length);
        Assert.DoesNotContain((nint)0, addresses);
        Assert.Equal(addresses.Length, addresses.Distinct().Count());
    }

    [Fact]
    public void Every_name_has_its_method()
    {
        var methods = NamesOf(typeof(Mlx));

        Assert.All(Mlx.Names, name => Assert.Contains(name, methods));
    }

    [Fact]
    public void Unknown_name_has_no_address() => Assert.Equal(0, Exports.Address("mlx_no_such_function"));

    [Fact]
    public void Fill_names_the_first_function_that_a_provider_lacks()
    {
        var error = Assert.Throws<EntryPointNotFoundException>(() =>
        {
            MlxTable table = default;
            table.Fill(name => name is "mlx_add" or "mlx_tri" ? 0 : 1);
        });

        Assert.Contains("mlx_add", error.Message);
    }

    [Fact]
    public void The_CPU_provider_implements_every_function()
    {
        HashSet<string> implemented = NamesOf(typeof(Cpu.Cpu));
        Assert.Equal([], MlxTable.Names.ToArray().Where(name => !implemented.Contains(name)));
    }

    [Fact]
    public void Text_of_an_error_comes_without_the_place_in_C_and_only_once()
    {
        Report("[add] shapes do not broadcast at /build/mlx-c/mlx/c/ops.cpp:42");
        Assert.Equal("[add] shapes do not broadcast", MlxError.Take());
        Assert.Null(MlxError.Take());

        Report("looked at the file model.bin:12");
        Assert.Equal("looked at the file model.bin:12", MlxError.Take());
    }

    [Fact]
    public void Text_of_an_error_belongs_to_its_thread()
    {
        Report("mine");
        string? others = "";
        var thread = new Thread(() => others = MlxError.Take());
        thread.Start();
        thread.Join();

        Assert.Null(others);
        Assert.Equal("mine", MlxError.Take());
    }

    private static HashSet<string> NamesOf(Type type) =>
        [.. type.GetMethods(BindingFlags.Public | BindingFlags.Static).Select(m => m.Name)];

    private static MlxTable Filled()
    {
        MlxTable table = default;
        table.Fill(Exports.Address);
        return table;
    }

    private static void Report(string text)
    {
        fixed (byte* message = System.Text.Encoding.UTF8.GetBytes(text + '\0'))
            MlxError.Handler(message, null);
    }
}
