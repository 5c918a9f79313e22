using System.CommandLine;
using ElmMlx.Text;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm tokenize</c>: text to ids, and back.</summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        ExampleCommand command = new(
            "tokenize",
            "Prints the ids of a text with their pieces, or the text of ids.",
            "elm tokenize --model openelm-270m --text \"Once upon a time\"",
            "elm tokenize --model openelm-270m --decode 1,9038,2501,263,931",
            "elm tokenize --model tokenizer.model --text - --json <story.txt");
        Option<string> model = new("--model")
        {
            Description = "Folder with a tokenizer, or a tokenizer.model or tokenizer.json.",
            HelpName = "PATH",
            Required = true,
        };
        Option<string> text = new("--text")
        {
            Description = "The text; - reads it from standard input.",
            HelpName = "TEXT",
        };
        Option<string[]> decode = TokenIds.Option(
            "--decode", "Ids to turn into text, with commas between them, or @FILE with a JSON list.");
        Option<bool> plain = new("--no-special-tokens") { Description = "Adds no BOS or EOS." };
        Option<bool> nfc = new("--nfc")
        {
            Description = "Normalises the text to NFC first (of CoreNet's clean-up, NFC only).",
        };
        Option<string> mode = ModeOption();
        Option<bool> json = new("--json") { Description = "Prints one JSON object." };
        foreach (Option option in new Option[] { model, text, decode, plain, nfc, mode, json })
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(text) is null == result.GetResult(decode) is null)
                result.AddError("give either --text TEXT or --decode IDS.");
        });

        command.SetAction(arguments =>
        {
            var tokenizer = Tokenizer.Load(arguments.GetRequiredValue(model), ModeOf(arguments.GetValue(mode)));
            bool asJson = arguments.GetValue(json);
            if (arguments.GetValue(text) is not { } input)
            {
                PrintText(tokenizer.Decode(TokenIds.Parse("--decode", arguments.GetRequiredValue(decode))), asJson);
                return;
            }

            if (input == "-")
                input = Console.In.ReadToEnd();
            bool isPlain = arguments.GetValue(plain);
            bool addsBos = !isPlain && tokenizer.BosId is not null;
            int[] encoded = arguments.GetValue(nfc)
                ? tokenizer.Encode(input, new EncodeOptions { AddBos = addsBos, NormalizeNfc = true })
                : tokenizer.Encode(input, addSpecialTokens: !isPlain);
            if (asJson)
                PrintIds(tokenizer, encoded);
            else
                foreach (int id in encoded)
                    Console.WriteLine($"{id,7}  {tokenizer.TokenText(id)}");
        });
        return command;
    }

    /// <summary><c>--tokenizer-mode</c>.</summary>
    public static Option<string> ModeOption() => Choice.Create(
        "--tokenizer-mode",
        "file: as the tokenizer's file says; transformers5: as transformers 5, and so mlx-lm, rebuilds Llama files.",
        "file",
        "transformers5");

    /// <summary>The mode of an accepted name.</summary>
    public static TokenizerMode ModeOf(string? name) =>
        name == "transformers5" ? TokenizerMode.Transformers5 : TokenizerMode.File;

    private static void PrintText(string text, bool asJson) =>
        Console.WriteLine(asJson ? JsonText.Object(json => json.WriteString("text", text)) : text);

    private static void PrintIds(Tokenizer tokenizer, int[] ids) => Console.WriteLine(JsonText.Object(json =>
    {
        json.WriteStartArray("ids");
        foreach (int id in ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteStartArray("pieces");
        foreach (int id in ids)
            json.WriteStringValue(tokenizer.TokenText(id));
        json.WriteEndArray();
    }));
}
