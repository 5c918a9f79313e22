namespace ElmMlx.Text;

/// <summary>
/// Finds the tokenizer of a model folder. <c>tokenizer.json</c> goes first: it says more than a model file.
/// </summary>
internal static class TokenizerFolder
{
    public static Tokenizer Load(string folderOrFile, TokenizerMode mode)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrFile);
        var path = Directory.Exists(folderOrFile) ? Find(folderOrFile) : folderOrFile;
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no tokenizer at {path}", path);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";
        var settings = TokenizerSettings.Read(folder);
        var bytes = TokenizerFile.ReadBytes(path);
        if (IsJson(path, bytes))
            return HuggingFaceTokenizer.Read(path, bytes, settings, mode);
        if (mode == TokenizerMode.Transformers5)
            throw new InvalidDataException(
                $"{path} is a SentencePiece model: tokenizer mode transformers5 needs a tokenizer.json");
        return SentencePieceTokenizer.Read(path, bytes, settings);
    }

    private static string Find(string folder)
    {
        foreach (var name in new[] { "tokenizer.json", "tokenizer.model" })
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path))
                return path;
        }
        throw new FileNotFoundException(
            $"{folder} has no tokenizer: put the model's tokenizer.json or tokenizer.model there");
    }

    private static bool IsJson(string path, byte[] bytes) => Path.GetExtension(path) switch
    {
        ".json" => true,
        ".model" => false,
        _ => bytes.Length > 0 && bytes[0] == '{',
    };
}
