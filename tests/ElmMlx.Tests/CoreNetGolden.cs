using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Pretraining;
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

    /// <summary>The recipe of a training trace.</summary>
    public static PretrainingRecipe Recipe(JsonElement settings)
    {
        double Number(string name) => settings.GetProperty(name).GetDouble();
        OpenElmConfig model = OpenElmConfig.FromFile(Fixtures.Path("corenet/micro/architecture.json"));
        return new PretrainingRecipe
        {
            Model = model,
            Data = new CoreNetDataOptions { Entries = [] },
            TokenizerPath = "",
            IgnoreIndex = model.PaddingIndex!.Value,
            ZLoss = Number("z_loss_eps"),
            LabelSmoothing = Number("label_smoothing"),
            LearningRate = new CoreNetSchedule(
                CoreNetScheduleKind.Cosine, settings.GetProperty("max_iterations").GetInt64(), Number("max_lr"),
                Number("min_lr"),
                settings.GetProperty("warmup_iterations").GetInt64(), Number("warmup_init_lr")),
            Updates = settings.GetProperty("max_iterations").GetInt64() + 1,       // CoreNet's loop makes one more
            WeightDecay = Number("weight_decay"),
            SparesVectors = settings.GetProperty("no_decay_bn_filter_bias").GetBoolean(),
            Betas = (Number("beta1"), Number("beta2")),
            Epsilon = Number("eps"),
            ClipGradientNorm = Number("grad_clip"),
            AccumulationSteps = settings.GetProperty("accum_freq").GetInt32(),
            AverageMomentum = settings.GetProperty("ema_momentum") is { ValueKind: JsonValueKind.Number } momentum
                ? momentum.GetDouble()
                : null,
        };
    }
}
