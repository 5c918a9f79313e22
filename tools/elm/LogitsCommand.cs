using System.CommandLine;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm logits</c>: what the model says of given tokens, in a file that other tools read.</summary>
internal static class LogitsCommand
{
    public static Command Create()
    {
        ExampleCommand command = new(
            "logits",
            "Writes the float32 logits [1, L, V] of L tokens under the key \"logits\" of a safetensors file.",
            "elm logits --model openelm-270m --tokens 1,450,4996,17354 --output logits.safetensors --dtype float32",
            "elm logits --model openelm-270m --tokens @ids.json --output logits.safetensors");
        ModelOptions models = new(command);
        Option<string[]> tokens =
            TokenIds.Option("--tokens", "Token ids with commas between them, or @FILE with a JSON list.");
        tokens.Required = true;
        Option<string> output = new("--output")
        {
            Description = "The safetensors file to write.",
            HelpName = "FILE",
            Required = true,
        };
        command.Add(tokens);
        command.Add(output);

        command.SetAction(arguments =>
        {
            int[] ids = TokenIds.Parse("--tokens", arguments.GetRequiredValue(tokens));
            string path = arguments.GetRequiredValue(output);
            OutputPath.Check("--output", path);
            using OpenElmModel model = models.Load(arguments);
            foreach (int id in ids)
            {
                if (id < 0 || id >= model.Config.VocabularySize)
                    throw new ArgumentException(
                        $"--tokens has {id}; the model's tokens go from 0 to {model.Config.VocabularySize - 1}.");
            }

            using ArrayScope scope = new();
            MlxArray input = MlxArray.From<int>(ids, 1, ids.Length);                  // [1, L]
            MlxArray logits = model.Forward(input).AsType(DType.Float32);             // [1, L, V]
            using SafetensorsWriter writer = new(path, [new TensorSpec("logits", TensorType.Float32, logits.Shape)]);
            logits.ReadBytes((bytes, _) => writer.Write("logits", bytes));
            writer.Commit();
            Console.WriteLine($"{path}: logits [{string.Join(", ", logits.Shape)}] float32");
        });
        return command;
    }
}
