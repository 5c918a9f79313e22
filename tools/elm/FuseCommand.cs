using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using ElmMlx.Checkpoints;
using ElmMlx.Weights;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm fuse</c>: model + adapters → model.</summary>
internal static class FuseCommand
{
    private const double HalfLost = 0.5;

    public static Command Create()
    {
        ExampleCommand command = new(
            "fuse",
            "Merges adapters (mlx-lm's or PEFT's folder) into the model that they were trained on, and writes " +
            "a model folder that needs none.",
            "elm fuse --model openelm-270m --adapter-path adapters --save-path openelm-270m-tuned",
            "elm fuse --model openelm-270m-4bit --adapter-path adapters --save-path tuned --quantized requantize",
            "elm fuse --model openelm-270m-4bit --adapter-path adapters --save-path tuned --dequantize");
        Option<string> model = new("--model")
        {
            Description = "Folder of the model that the adapters were trained on.",
            HelpName = "DIR",
            Required = true,
        };
        Option<string> adapters = new("--adapter-path")
        {
            Description = "Folder with the adapters.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "adapters",
        };
        Option<string> save = new("--save-path")
        {
            Description = "The folder to make.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "fused_model",
        };
        Option<bool> dequantize = new("--dequantize")
        {
            Description = "Makes every quantised matrix floating, whether an adapter touches it or not.",
        };
        Option<string> quantized = Choice.Create(
            "--quantized",
            "What becomes of quantised matrices that an adapter touches: float keeps all of the adapter (default), " +
            "requantize keeps them small and reports what is lost.",
            "float", "requantize");
        Option<bool> overwrite = new("--overwrite") { Description = "Replaces the folder if it exists." };
        foreach (Option option in (Option[])[model, adapters, save, dequantize, quantized, overwrite])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(dequantize) && result.GetResult(quantized) is { Implicit: false })
                result.AddError("leave out either --dequantize or --quantized.");
        });

        command.SetAction(arguments =>
        {
            string folder = arguments.GetRequiredValue(model);
            ModelLayout layout;
            bool isQuantized;
            using (ModelFolder files = ModelFolder.Open(folder))
            {
                layout = files.Layout;
                isQuantized = files.Weights.Tensors
                    .Any(tensor => tensor.Name.EndsWith(".scales", StringComparison.Ordinal));
            }

            ConvertOptions options = new()
            {
                Input = folder,
                Output = arguments.GetRequiredValue(save),
                Target = layout is ModelLayout.CoreNet ? ConvertTarget.CoreNetPort : ConvertTarget.MlxLm,
                Adapter = arguments.GetRequiredValue(adapters),
                Dequantize = isQuantized && arguments.GetValue(dequantize),
                PackedMerge = arguments.GetValue(quantized) == "requantize"
                    ? PackedMerge.Requantize
                    : PackedMerge.Float,
                Overwrite = arguments.GetValue(overwrite),
            };
            using CancellationTokenSource stop = new();
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
            {
                signal.Cancel = !stop.IsCancellationRequested;
                stop.Cancel();
            });
            Print(options, Converter.Convert(options, null, stop.Token));
        });
        return command;
    }

    private static void Print(ConvertOptions options, ConvertReport report)
    {
        if (report.Merged.Any(matrix => matrix.Before.EndsWith("-bit", StringComparison.Ordinal)))
            PrintMatrices(report.Merged);
        foreach (string note in report.Notes)
            Console.WriteLine(note);
        string adapter = report.Adapter!.Replace(", merged", "", StringComparison.Ordinal);
        Console.WriteLine($"Fused {adapter}: {report.Types.Before} became {report.Types.After}.");
        if (report.Merged.MaxBy(matrix => matrix.RelativeError) is { } worst)
            Console.WriteLine(
                $"Lost in rounding: at most {Percent(worst.RelativeError)} of what an adapter changes ({worst.Name}).");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Wrote {options.Output}: {report.Bytes.After / 1e6:0.0} MB, before {report.Bytes.Before / 1e6:0.0} MB."));
        foreach (string warning in report.Warnings)
            Console.Error.WriteLine("Warning: " + warning);
        MergedMatrix[] lost = [.. report.Merged.Where(matrix => matrix.RelativeError > HalfLost)];
        if (lost.Length > 0)
            Console.Error.WriteLine(
                $"Warning: in {lost.Length} of {report.Merged.Count} matrices more than half of what the adapter " +
                "changes is lost; " +
                (options.PackedMerge is PackedMerge.Requantize
                    ? "--quantized float keeps it."
                    : "its changes are smaller than the weights' type can hold."));
    }

    private static void PrintMatrices(IReadOnlyList<MergedMatrix> merged)
    {
        Console.WriteLine($"{"matrix",-40} {"before",-9} {"after",-9} {"lost",8}");
        foreach (MergedMatrix matrix in merged)
            Console.WriteLine(
                $"{matrix.Name,-40} {matrix.Before,-9} {matrix.After,-9} {Percent(matrix.RelativeError),8}");
    }

    private static string Percent(double share) => share.ToString("0.0 %", CultureInfo.InvariantCulture);
}
