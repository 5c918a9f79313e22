using Xunit;

namespace ElmMlx.Tests;

/// <summary>Files of arrays, graphs as text and functions in files by their C# names.</summary>
public sealed class FaceFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-face-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Arrays_come_back_from_files_and_streams()
    {
        MlxArray x = MlxArray.Arange(6).Reshape(2, 3);
        MlxFile.Save(At("x.npy"), x);
        Assert.Equal(x.ToArray<int>(), MlxFile.Load(At("x.npy")).ToArray<int>());
        using MemoryStream stream = new();
        MlxFile.Save(stream, x);
        stream.Position = 0;
        MlxArray loaded = MlxFile.Load(stream);
        Assert.Equal([2, 3], loaded.Shape);
        Assert.Equal(x.ToArray<int>(), loaded.ToArray<int>());
        Assert.Throws<MlxException>(() => MlxFile.Load(At("none.npy")));
        Assert.Throws<ArgumentException>(() => MlxFile.Load(At("100%n.npy")));
    }

    [Fact]
    public void Dictionaries_come_back_from_files_and_streams()
    {
        Dictionary<string, MlxArray> arrays = new()
        {
            ["a.weight"] = MlxArray.Ones([2, 2]),
            ["b"] = MlxArray.Arange(3),
        };
        Dictionary<string, string> facts = new() { ["format"] = "mlx" };
        MlxFile.SaveSafetensors(At("x.safetensors"), arrays, facts);
        (Dictionary<string, MlxArray> read, Dictionary<string, string> metadata) =
            MlxFile.LoadSafetensors(At("x.safetensors"));
        Assert.Equal([1f, 1, 1, 1], read["a.weight"].ToArray<float>());
        Assert.Equal("mlx", metadata["format"]);
        using MemoryStream stream = new();
        MlxFile.SaveSafetensors(stream, arrays);
        stream.Position = 0;
        (read, metadata) = MlxFile.LoadSafetensors(stream);
        Assert.Equal([0, 1, 2], read["b"].ToArray<int>());
        Assert.Equal(2, read.Count);
    }

    [Fact]
    public void What_a_stream_throws_comes_out()
    {
        using FileStream readOnly = new(At("y.npy"), FileMode.Create, FileAccess.ReadWrite);
        readOnly.Write("\x93NUMPY"u8);
        readOnly.Position = 0;
        Assert.ThrowsAny<Exception>(() => MlxFile.Load(readOnly));
        readOnly.Dispose();
        Assert.Throws<ArgumentException>(() => MlxFile.Load(readOnly));
    }

    [Fact]
    public void Gguf_files_hold_arrays_and_facts()
    {
        if (TestProvider.IsMlx)
            return; // libmlxc has it only where it was built to
        using (GgufFile file = new())
        {
            file.SetArray("x", MlxArray.Ones([2, 3]));
            file.SetText("name", "größe");
            file.SetNumbers("sizes", MlxArray.From([3, -4]));
            file.SetTexts("words", ["a", "bc"]);
            file.Save(At("x.gguf"));
        }

        using GgufFile read = GgufFile.Load(At("x.gguf"));
        Assert.Equal(["x"], read.Names);
        Assert.Equal([2, 3], read.Array("x")!.Shape);
        Assert.Equal("größe", read.Text("name"));
        Assert.Equal([3, -4], read.Numbers("sizes")!.ToArray<int>());
        Assert.Equal(["a", "bc"], read.Texts("words")!);
        Assert.Null(read.Text("none"));
        Assert.Null(read.Array("none"));
    }

    [Fact]
    public void Graphs_are_written_with_names()
    {
        if (!OperatingSystem.IsLinux())
            return;
        MlxArray x = MlxArray.Ones([2]), y = x.Sin().Exp();
        using GraphNames names = new();
        names[y] = "result";
        Assert.Equal("result", names[y]);
        names.PrintGraph(At("graph.txt"), y);
        names.ExportToDot(At("graph.dot"), y);
        Assert.Contains("-> result", File.ReadAllText(At("graph.txt")), StringComparison.Ordinal);
        Assert.Contains("digraph {", File.ReadAllText(At("graph.dot")), StringComparison.Ordinal);
        Assert.Throws<IOException>(() => names.PrintGraph(At("none/graph.txt"), y));
    }

    [Fact]
    public void Functions_in_files_are_MLXs_own()
    {
        MlxArray x = MlxArray.From([1f, 2]);
        string path = At("f.mlxfn");
        if (!TestProvider.IsMlx)
        {
            Assert.Throws<MlxException>(() => FunctionFile.Export(path, a => [a[0] * 2], [x]));
            Assert.Throws<MlxException>(() => FunctionFile.Exporter(path, a => a));
            Assert.Throws<MlxException>(() => FunctionFile.Import(path));
            return;
        }

        FunctionFile.Export(path, a => [a[0] * 2], [x]);
        using ImportedFunction imported = FunctionFile.Import(path);
        Assert.Equal([2f, 4], imported.Apply([x])[0].ToArray<float>());
        Dictionary<string, MlxArray> named = new() { ["y"] = x };
        FunctionFile.Export(At("g.mlxfn"), (a, n) => [a[0] + n["y"]], [x], named);
        using ImportedFunction sum = FunctionFile.Import(At("g.mlxfn"));
        Assert.Equal([2f, 4], sum.Apply([x], named)[0].ToArray<float>());
        using (FunctionExporter exporter = FunctionFile.Exporter(At("h.mlxfn"), a => [a[0] + 1]))
        {
            exporter.Add([x]);
            exporter.Add([MlxArray.Ones([3])]);
        }

        using ImportedFunction several = FunctionFile.Import(At("h.mlxfn"));
        Assert.Equal([2f, 2, 2], several.Apply([MlxArray.Ones([3])])[0].ToArray<float>());
    }

    [Fact]
    public void Kernels_of_other_hardware_are_refused()
    {
        if (OperatingSystem.IsMacOS())
            return;
        KernelLaunch launch = new()
        {
            OutputShapes = [[1]],
            OutputDTypes = [DType.Float32],
            Grid = 1,
            ThreadGroup = 1,
            InitialValue = 0,
            DTypeArguments = new Dictionary<string, DType> { ["T"] = DType.Float32 },
            NumberArguments = new Dictionary<string, int> { ["N"] = 1 },
            BoolArguments = new Dictionary<string, bool> { ["B"] = true },
        };
        Assert.Throws<MlxException>(() => Run(launch));
    }

    private static void Run(KernelLaunch launch)
    {
        using MetalKernel kernel = new("f", ["x"], ["y"], "y[0] = x[0];");
        MlxArray.Eval(kernel.Apply([MlxArray.Ones([1])], launch));
    }

    private string At(string name) => Path.Combine(_folder, name);
}
