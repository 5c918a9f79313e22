using System.CommandLine;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Spectre.Console;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm info</c>: who computes, and what a model folder holds.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        Command command = new("info", """
            Prints the provider, where it comes from, its version, devices and memory; with --model also the model's layers.

              elm info
              elm info --model openelm-270m
            """);
        Option<string> model = new("--model") { Description = "Folder of a model.", HelpName = "DIR" };
        command.Add(model);
        command.SetAction(arguments =>
        {
            Console.WriteLine(MlxRuntime.Describe());
            if (arguments.GetValue(model) is not { } path)
                return;
            using ModelFolder folder = ModelFolder.Open(path);
            using OpenElmModel loaded = OpenElmModel.Load(folder);
            Print(folder, loaded);
        });
        return command;
    }

    private static void Print(ModelFolder folder, OpenElmModel model)
    {
        OpenElmConfig config = model.Config;
        Console.WriteLine();
        Console.WriteLine($"model      {config.ModelName} in {folder.Path} ({folder.Layout} layout)");
        Console.WriteLine($"sizes      {config.Layers.Count} layers, width {config.ModelSize}, heads of {config.HeadSize}, vocabulary {config.VocabularySize}, context {config.MaxContextLength}");
        Console.WriteLine($"parameters {config.ParameterCount:N0} in {model.ByteCount / 1e6:F1} MB");
        Console.WriteLine($"weights    {string.Join(", ", DTypesOf(model))}");
        Console.WriteLine($"quantised  {Quantisation(config)}");

        Table table = new() { Border = TableBorder.Simple };
        foreach (string heading in new[] { "layer", "query heads", "key heads", "feed-forward", "parameters" })
            table.AddColumn(new TableColumn(heading).RightAligned());
        for (int i = 0; i < config.Layers.Count; i++)
        {
            OpenElmLayer layer = config.Layers[i];
            string prefix = $"layers.{i}.";
            long parameters = config.TensorShapes()
                .Where(tensor => tensor.Name.StartsWith(prefix, StringComparison.Ordinal))
                .Sum(tensor => tensor.Shape.Aggregate(1L, (product, length) => product * length));
            table.AddRow($"{i}", $"{layer.QueryHeads}", $"{layer.KeyValueHeads}", $"{layer.FeedForwardSize}", $"{parameters:N0}");
        }

        AnsiConsole.Write(table);
    }

    private static IEnumerable<string> DTypesOf(Module model) => model.NamedParameters()
        .GroupBy(entry => entry.Parameter.Value.DType)
        .Select(group => $"{group.Count()} {group.Key.Name()}");

    private static string Quantisation(OpenElmConfig config) => config.Quantization is { } quantization
        ? $"{quantization.Default.Bits} bits, groups of {quantization.Default.GroupSize}, {quantization.Default.Mode}"
            + (quantization.Overrides.Count > 0 ? $", {quantization.Overrides.Count} exceptions" : "")
        : "no";
}
