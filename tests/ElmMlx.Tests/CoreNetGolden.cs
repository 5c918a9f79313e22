using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Text;

namespace ElmMlx.Tests;

/// <summary>The golden data of CoreNet's pretraining.</summary>
internal static class CoreNetGolden
{
    private static readonly Lazy<Tokenizer> SharedTokenizer =
        new(() => Text.Tokenizer.Load(Fixtures.Path("tokenizer/tokenizer.model")));

    public static Tokenizer Tokenizer => SharedTokenizer.Value;

    /// <summary>The options of a case under its CoreNet names.</summary>
    public static CoreNetDataOptions Options(JsonElement settings) => new()
    {
        Entries =
        [
            .. settings.GetProperty("data_info").EnumerateArray().Select(entry => new CoreNetDataEntry(
                Fixtures.Path("pretrain/" + entry.GetProperty("file_name").GetString()),
                entry.GetProperty("text_key").GetString()!,
                entry.GetProperty("file_id_range")[0].GetInt32(),
                entry.GetProperty("file_id_range")[1].GetInt32())),
        ],
        SequenceLength = settings.GetProperty("sequence_length").GetInt32(),
        MinTokensPerText = settings.GetProperty("min_tokens_per_text").GetInt32(),
        MinCharactersPerText = settings.GetProperty("min_characters_per_text").GetInt32(),
        DocumentSplitSize = settings.GetProperty("document_split_size").GetInt32(),
        Shuffle = settings.GetProperty("shuffle_data").GetBoolean(),
        Seed = settings.GetProperty("random_seed").GetInt64(),
        Workers = settings.GetProperty("workers").GetInt32(),
        BatchSize = Math.Max(settings.GetProperty("batch_size").GetInt32(), 1),
        NormalizeNfc = settings.GetProperty("nfc").GetBoolean(),
        AddBos = settings.GetProperty("sot").GetBoolean(),
        AddEos = settings.GetProperty("eot").GetBoolean(),
    };
}
