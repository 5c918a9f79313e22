namespace ElmMlx.Checkpoints;

/// <summary>The files of a tokenizer, which travel with a model folder as they are.</summary>
internal static class TokenizerFiles
{
    private static readonly string[] Vocabularies = ["tokenizer.json", "tokenizer.model"];

    private static readonly string[] Companions =
    [
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
        "chat_template.json",
        "generation_config.json", "vocab.json", "merges.txt",
    ];

    /// <summary>What to copy, and under which name.</summary>
    /// <param name="input">The checkpoint or model folder.</param>
    /// <param name="tokenizerPath">A file or folder that was asked for; null looks beside the input.</param>
    /// <exception cref="FileNotFoundException">What was asked for is not there.</exception>
    public static IReadOnlyList<(string From, string Name)> Find(string input, string? tokenizerPath)
    {
        if (tokenizerPath is not null)
        {
            if (File.Exists(tokenizerPath))
            {
                string name = tokenizerPath.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
                    ? "tokenizer.json"
                    : "tokenizer.model";
                return [(tokenizerPath, name)];
            }
            var found = In(tokenizerPath);
            return found.Count > 0 ? found : throw new FileNotFoundException(
                $"{tokenizerPath} (--tokenizer-path) is neither a tokenizer's file nor a folder with tokenizer.json " +
                    "or tokenizer.model.");
        }
        return In(Directory.Exists(input) ? input : Path.GetDirectoryName(Path.GetFullPath(input))!);
    }

    private static List<(string From, string Name)> In(string folder)
    {
        var files = new List<(string, string)>();
        foreach (string name in Vocabularies)
            if (File.Exists(Path.Combine(folder, name)))
                files.Add((Path.Combine(folder, name), name));
        if (files.Count > 0)
            foreach (string name in Companions)
                if (File.Exists(Path.Combine(folder, name)))
                    files.Add((Path.Combine(folder, name), name));
        return files;
    }
}
