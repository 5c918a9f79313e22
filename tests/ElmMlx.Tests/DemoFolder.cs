using Xunit;

namespace ElmMlx.Tests;

/// <summary>The demo's model folder, made once by <c>mlx-convert</c>, and room for what tests write.</summary>
public sealed class DemoFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("elm-").FullName;

    public DemoFolder()
    {
        Model = At("model");
        CommandProcess.Result converted = CommandProcess.Convert(
            Fixtures.Demo("openelm-demo.pt"), Model, "--config-yaml", Fixtures.Demo("openelm-demo.yaml"),
            "--architecture", Fixtures.Demo("architecture.json"), "--tokenizer-path", Fixtures.Demo("tokenizer.model"));
        Assert.True(converted.ExitCode == 0, converted.ToString());
        Assert.Contains("OpenELM-demo: 6 layers", converted.Output);
    }

    /// <summary>The model's folder.</summary>
    public string Model { get; }

    /// <summary>The path of something that a test writes.</summary>
    public string At(string name) => Path.Combine(_root, name);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
