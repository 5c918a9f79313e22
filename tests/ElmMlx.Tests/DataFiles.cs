using System.Text;
using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Text;

namespace ElmMlx.Tests;

/// <summary>A folder for the data files of a test, and the tokenizers that they are read with.</summary>
internal sealed class DataFiles : IDisposable
{
    /// <summary>Bytes and merges: a text begins without a space.</summary>
    public static readonly Tokenizer Bytes = Tokenizer.Load(Fixtures.Path("mlx-lm/micro"));

    /// <summary>SentencePiece: a space stands before a text.</summary>
    public static readonly Tokenizer Pieces = Tokenizer.Load(Fixtures.Path("tokenizer/tokenizer.model"));

    public string Folder { get; } = Directory.CreateTempSubdirectory("elmmlx-data-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Writes lines as UTF-8.</summary>
    /// <returns>The path.</returns>
    public string Write(string name, params string[] lines) =>
        WriteBytes(name, Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));

    /// <summary>Writes bytes as they are.</summary>
    /// <returns>The path.</returns>
    public string WriteBytes(string name, byte[] bytes)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>A record with one text.</summary>
    public static string Text(string text) => Record(("text", text));

    /// <summary>A record of texts by their keys.</summary>
    public static string Record(params (string Key, object? Value)[] fields) =>
        JsonSerializer.Serialize(fields.ToDictionary(field => field.Key, field => field.Value));

    /// <summary>Reads a file.</summary>
    public static TokenDataset Load(string path, DatasetOptions? options = null, Tokenizer? tokenizer = null) =>
        TokenDataset.Load(path, new RowTokenizer(tokenizer ?? Bytes, null, options));

    /// <summary>The targets of a row that are learnt, in order.</summary>
    public static int[] Learned(TokenRow row) =>
        [.. Enumerable.Range(1, Math.Max(row.Length - 1, 0)).Where(i => row.Learned[i]).Select(i => row.Ids[i])];

    /// <summary>The learnt tokens of a row, each run of neighbours as a text.</summary>
    public static string[] Runs(TokenRow row, Tokenizer tokenizer, bool withSpecial = false)
    {
        var runs = new List<List<int>>();
        for (int i = 0; i < row.Length; i++)
        {
            if (!row.Learned[i])
                continue;
            if (i == 0 || !row.Learned[i - 1])
                runs.Add([]);
            runs[^1].Add(row.Ids[i]);
        }
        return [.. runs.Select(run => tokenizer.Decode([.. run], skipSpecialTokens: !withSpecial))];
    }
}
