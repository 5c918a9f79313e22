using ElmMlx.OpenElm;

namespace ElmMlx.Checkpoints;

/// <summary>The configuration of a checkpoint in CoreNet's form: the part that describes the model.</summary>
internal static class CoreNetYamlWriter
{
    public static string Write(OpenElmConfig config)
    {
        string padding = config.PaddingIndex is { } index ? $"      padding_index: {index}\n" : "";
        string name = config.ModelName.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return """
            model:
              language_modeling:
                name: "general_gpt"
                general_gpt:
                  model_name: "{name}"
                  vocab_size: {config.VocabularySize}
                  max_context_length: {config.MaxContextLength}

            """.ReplaceLineEndings("\n") + padding;
    }
}
