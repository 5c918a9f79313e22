using Xunit;

namespace ElmMlx.Tests;

/// <summary><c>elm info --adapter-path</c>: what adapters are on a model.</summary>
public sealed class InfoCommandTests
{
    [Theory]
    [InlineData("lora", "micro", "LoRA of rank 4 on 8 matrices, layers 2 to 3", "18,944")]
    [InlineData("lora-keys", "micro", "LoRA of rank 8 on 8 matrices, layers 0 to 3", "24,064")]
    [InlineData("lora-embedding", "micro", "LoRA of rank 4 on 2 matrices, layer 3 and token_embeddings", "2,048")]
    [InlineData("dora", "micro", "DoRA of rank 4 on 8 matrices, layers 2 to 3", "22,016")]
    [InlineData("full", "micro", "whole weights, layer 3", "159,904")]
    [InlineData("qlora", "micro-q4-g64", "LoRA of rank 4 on 16 matrices, layers 0 to 3", "31,360")]
    public void Adapters_are_described(string adapter, string model, string description, string parameters)
    {
        string folder = Fixtures.Path("mlx-lm/adapters/" + adapter);
        CommandProcess.Result result = CommandProcess.Elm(
            "", "info", "--model", Fixtures.Path("mlx-lm/" + model), "--adapter-path", folder);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains($"adapters   {description}, in {folder}\n", result.Output);
        Assert.Matches($@"trainable  {parameters} parameters, \d+\.\d{{3}}% of the model's number\n", result.Output);
    }

    [Fact]
    public void Adapters_need_their_model()
    {
        CommandProcess.Result result =
            CommandProcess.Elm("", "info", "--adapter-path", Fixtures.Path("mlx-lm/adapters/lora"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--adapter-path needs the --model that the adapters were trained on.", result.Errors);
    }
}
