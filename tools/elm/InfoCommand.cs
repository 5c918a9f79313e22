using System.CommandLine;
using ElmMlx.Lora;
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
        ExampleCommand command = new(
            "info",
            "Prints the provider, where it comes from, its version, devices and memory; with --model also the " +
            "model's layers, with --adapter-path what adapters are on them.",
            "elm info",
            "elm info --model openelm-270m",
            "elm info --model openelm-270m --adapter-path adapters");
        Option<string> model = new("--model") { Description = "Folder of a model.", HelpName = "DIR" };
        Option<string> adapters = new("--adapter-path")
        {
            Description = "Folder with adapters of the model: mlx-lm's or PEFT's.",
            HelpName = "DIR",
        };
        command.Add(model);
        command.Add(adapters);
        command.Validators.Add(result =>
        {
            if (result.GetValue(adapters) is not null && result.GetValue(model) is null)
                result.AddError("--adapter-path needs the --model that the adapters were trained on.");
        });
        command.SetAction(arguments =>
        {
            if (arguments.GetValue(model) is not { } path)
            {
                Console.WriteLine(MlxRuntime.Describe());
                return;
            }

            using ModelFolder folder = ModelFolder.Open(path);
            using OpenElmModel loaded = OpenElmModel.Load(folder);
            Console.WriteLine(MlxRuntime.Describe());       // with the memory that the model takes
            Print(folder, loaded);
            if (arguments.GetValue(adapters) is { } adapterPath)
            {
                LoraAdapters.ApplyTo(loaded, adapterPath);
                AdapterInfo.Print(loaded, adapterPath);
            }
        });
        return command;
    }

    private static void Print(ModelFolder folder, OpenElmModel model)
    {
        OpenElmConfig config = model.Config;
        Console.WriteLine();
        string layout = folder.Layout is ModelLayout.CoreNet ? "corenet" : "mlx-lm";
        Console.WriteLine($"model      {config.ModelName} in {folder.Path} ({layout} layout)");
        Console.WriteLine(
            $"sizes      {config.Layers.Count} layers, width {config.ModelSize}, heads of {config.HeadSize}, " +
            $"vocabulary {config.VocabularySize}, context {config.MaxContextLength}");
        Console.WriteLine($"parameters {config.ParameterCount:N0} in {model.ByteCount / 1e6:F1} MB");
        Console.WriteLine($"weights    {string.Join(", ", DTypesOf(model))}");
        Console.WriteLine($"quantised  {Quantisation(config)}");

        Table table = new() { Border = TableBorder.Simple };
        foreach (string heading in new[] { "layer", "query heads", "key heads", "feed-forward", "parameters" })
            table.AddColumn(new TableColumn(heading).RightAligned());
        long outside = config.ParameterCount;
        for (int i = 0; i < config.Layers.Count; i++)
        {
            OpenElmLayer layer = config.Layers[i];
            string prefix = $"layers.{i}.";
            long parameters = config.TensorShapes()
                .Where(tensor => tensor.Name.StartsWith(prefix, StringComparison.Ordinal))
                .Sum(tensor => tensor.Shape.Aggregate(1L, (product, length) => product * length));
            outside -= parameters;
            table.AddRow(
                $"{i}", $"{layer.QueryHeads}", $"{layer.KeyValueHeads}", $"{layer.FeedForwardSize}",
                $"{parameters:N0}");
        }

        table.AddRow("outside", "", "", "", $"{outside:N0}");
        AnsiConsole.Write(table);
    }

    private static IEnumerable<string> DTypesOf(Module model) => model.NamedParameters()
        .GroupBy(entry => entry.Parameter.Value.DType)
        .Select(group => $"{group.Count()} {group.Key.Name()}");

    private static string Quantisation(OpenElmConfig config) => config.Quantization is { } quantization
        ? $"{quantization.Default.Bits} bits, groups of {quantization.Default.GroupSize}, " +
            quantization.Default.Mode
            + (quantization.Overrides.Count > 0 ? $", {quantization.Overrides.Count} exceptions" : "")
        : "no";
}
