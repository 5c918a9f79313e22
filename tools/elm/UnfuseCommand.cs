using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using ElmMlx.Lora;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm unfuse</c>: model − model → adapters.</summary>
internal static class UnfuseCommand
{
    public static Command Create()
    {
        ExampleCommand command = new(
            "unfuse",
            "Writes the difference of two models as adapters of the first: the best of the given rank for every " +
            "matrix that differs, and how much of the difference they hold.",
            "elm unfuse --base openelm-270m --model openelm-270m-tuned --rank 16 --save-path adapters",
            "elm unfuse --base openelm-270m --model openelm-270m-instruct --rank 64 --save-path adapters " +
                "--max-error 0.5");
        Option<string> before = new("--base")
        {
            Description = "Folder of the model without the adapters.",
            HelpName = "DIR",
            Required = true,
        };
        Option<string> model = new("--model")
        {
            Description = "Folder of the model with them.",
            HelpName = "DIR",
            Required = true,
        };
        Option<int> rank =
            NumberOption.Create("--rank", 8, "Rank of the adapters.", "1 or more", number => number >= 1);
        Option<string> save = new("--save-path")
        {
            Description = "The adapter folder to make.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "adapters",
        };
        Option<double?> maxError = NumberOption.Optional<double>(
            "--max-error", "Writes nothing if a matrix loses a larger share of its difference.", "from 0 to 1",
            share => share is >= 0 and <= 1);
        Option<bool> overwrite = new("--overwrite") { Description = "Replaces the folder if it exists." };
        foreach (Option option in (Option[])[before, model, rank, save, maxError, overwrite])
            command.Add(option);

        command.SetAction(arguments =>
        {
            using CancellationTokenSource stop = new();
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
            {
                signal.Cancel = !stop.IsCancellationRequested;
                stop.Cancel();
            });
            string output = arguments.GetRequiredValue(save);
            UnfuseReport report = Unfuser.Run(
                arguments.GetRequiredValue(before), arguments.GetRequiredValue(model), arguments.GetValue(rank), output,
                arguments.GetValue(maxError), arguments.GetValue(overwrite), new Rows(), stop.Token);
            Print(report, output, arguments.GetValue(rank));
        });
        return command;
    }

    private static void Print(UnfuseReport report, string output, int rank)
    {
        Console.WriteLine(
            $"{report.Matrices.Count} matrices have adapters of rank {rank}; {report.Unchanged} do not differ and " +
            "have none.");
        Console.WriteLine($"Wrote {output}.");
        if (report.OtherTensors.Count > 0)
            Console.Error.WriteLine(
                $"Warning: {report.OtherTensors.Count} tensors differ that are no matrices and that adapters cannot " +
                $"hold, {report.OtherTensors[0]} first.");
    }

    // Each row as soon as it is known: a large model takes minutes.
    private sealed class Rows : IProgress<UnfusedMatrix>
    {
        private bool _isBelowHeading;

        public void Report(UnfusedMatrix matrix)
        {
            if (!_isBelowHeading)
                Console.WriteLine($"{"matrix",-40} {"change",9} {"explained",10} {"error",8}");
            _isBelowHeading = true;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{matrix.Name,-40} {Percent(matrix.Change),9} {Percent(matrix.Explained),10} ") +
                $"{Percent(matrix.RelativeError),8}");
        }

        private static string Percent(double share) => share.ToString("P1", CultureInfo.InvariantCulture);
    }
}
