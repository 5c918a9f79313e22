using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Model folders: both layouts, and what is said about folders that are none.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"elmmlx-{Guid.NewGuid():n}");

    public ModelFolderTests() => Directory.CreateDirectory(_folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("micro", ModelLayout.MlxLm)]
    [InlineData("micro", ModelLayout.CoreNet)]
    [InlineData("micro-q4-g64", ModelLayout.CoreNet)]
    public void Folder_of_either_layout_gives_the_same_logits(string source, ModelLayout layout)
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = MlxLmTests.Load(source);
        Write(model, layout);
        using OpenElmModel again = OpenElmModel.Load(_folder);
        using ModelFolder folder = ModelFolder.Open(_folder);
        Assert.Equal(layout, folder.Layout);
        MlxArray ids = MlxArray.From<int>([1, 5, 300], 1, 3);
        Assert.Equal(model.Forward(ids).Floats(), again.Forward(ids).Floats());
        Assert.Equal(model.Config.Layers, again.Config.Layers);
    }

    [Fact]
    public void Untied_head_is_read_under_either_name()
    {
        using var scope = new ArrayScope();
        using OpenElmModel tied = MlxLmTests.Load("micro", DType.Float32);
        var tensors = tied.NamedParameters().ToDictionary(entry => entry.Path, entry => entry.Parameter.Value.Copy());
        tensors["classifier.weight"] = tensors["token_embeddings.weight"] * 2f;
        using OpenElmModel untied = OpenElmModel.FromTensors(tied.Config with { TieEmbeddings = false }, tensors);
        MlxArray ids = MlxArray.From<int>([1, 5, 300], 1, 3);
        float[] expected = untied.Forward(ids).Floats();
        foreach (ModelLayout layout in Enum.GetValues<ModelLayout>())
        {
            Write(untied, layout);
            using OpenElmModel again = OpenElmModel.Load(_folder);
            Assert.Equal(expected, again.Forward(ids).Floats());
        }
    }

    [Fact]
    public void What_is_no_model_folder_is_refused_with_what_to_do()
    {
        Assert.Contains("mlx-convert", Assert.Throws<DirectoryNotFoundException>(
            () => OpenElmModel.Load(Path.Combine(_folder, "none"))).Message, StringComparison.Ordinal);
        Assert.Contains("config.json", Assert.Throws<FileNotFoundException>(
            () => OpenElmModel.Load(_folder)).Message, StringComparison.Ordinal);
        string configuration = Path.Combine(_folder, "config.json");
        File.WriteAllText(configuration, "{ \"model_type\": ");
        Assert.Contains("JSON", Assert.Throws<InvalidDataException>(() => OpenElmModel.Load(_folder)).Message,
            StringComparison.Ordinal);
        File.Copy(Fixtures.Path("mlx-lm/micro/config.json"), configuration, overwrite: true);
        Assert.Contains("weights", Assert.Throws<FileNotFoundException>(
            () => OpenElmModel.Load(_folder)).Message, StringComparison.Ordinal);
        Assert.Contains("is a file", Assert.Throws<DirectoryNotFoundException>(
            () => OpenElmModel.Load(configuration)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_of_another_configuration_are_refused_by_tensor()
    {
        File.Copy(Fixtures.Path("mlx-lm/micro-kv/config.json"), Path.Combine(_folder, "config.json"));
        File.Copy(Fixtures.Path("mlx-lm/micro/model.safetensors"), Path.Combine(_folder, "model.safetensors"));
        string message = Assert.Throws<InvalidDataException>(() => OpenElmModel.Load(_folder)).Message;
        Assert.Contains("layers.0.attn.qkv_proj.weight is [64, 64]", message, StringComparison.Ordinal);
        Assert.Contains("[256, 64]", message, StringComparison.Ordinal);

        File.Copy(Fixtures.Path("mlx-lm/micro/config.json"), Path.Combine(_folder, "config.json"), overwrite: true);
        File.Copy(Fixtures.Path("mlx-lm/micro-q4-g64/model.safetensors"), Path.Combine(_folder, "model.safetensors"),
            overwrite: true);
        message = Assert.Throws<InvalidDataException>(() => OpenElmModel.Load(_folder)).Message;
        Assert.Contains("quantization", message, StringComparison.Ordinal);
    }

    private void Write(OpenElmModel model, ModelLayout layout)
    {
        foreach (string file in Directory.EnumerateFiles(_folder))
            File.Delete(file);
        bool port = layout == ModelLayout.CoreNet;
        OpenElmConfig config = model.Config;
        File.WriteAllText(
            Path.Combine(_folder, "config.json"), port ? config.ToCoreNetPortJson() : config.ToMlxLmJson());
        string Name(string path) => port ? path
            : path.StartsWith("classifier.", StringComparison.Ordinal) ? "lm_head." + path["classifier.".Length..]
            : "transformer." + path;
        var arrays = model.NamedParameters().ToDictionary(entry => Name(entry.Path), entry => entry.Parameter.Value);
        using var writer = new SafetensorsWriter(
            Path.Combine(_folder, port ? "weights.safetensors" : "model.safetensors"),
            arrays.Select(entry => new TensorSpec(entry.Key, TensorArrays.TypeOf(entry.Value), entry.Value.Shape)));
        foreach ((string name, MlxArray array) in arrays)
            writer.Write(name, array.ToBytes());
        writer.Commit();
    }
}
