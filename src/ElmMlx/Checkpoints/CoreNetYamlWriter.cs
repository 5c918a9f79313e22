using System.Text;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>The configuration of a checkpoint in CoreNet's form: the part that describes the model.</summary>
internal static class CoreNetYamlWriter
{
    public static string Write(OpenElmConfig config)
    {
        string padding = config.PaddingIndex is { } index ? $"      padding_index: {index}\n" : "";
        string name = config.ModelName.Replace(
            "\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return $"""
            model:
              language_modeling:
                name: "general_gpt"
                general_gpt:
                  model_name: "{name}"
                  vocab_size: {config.VocabularySize}
                  max_context_length: {config.MaxContextLength}

            """.ReplaceLineEndings("\n") + padding;
    }

    /// <summary>
    /// Writes the configuration beside a checkpoint; a model that CoreNet's code does not know has two files.
    /// </summary>
    /// <returns>One sentence that names them.</returns>
    public static string WriteBeside(string checkpoint, OpenElmConfig config)
    {
        string yaml = Path.ChangeExtension(checkpoint, ".yaml");
        AtomicFile.WriteAllBytes(yaml, Encoding.UTF8.GetBytes(Write(config)));
        if (OpenElmConfig.KnownNames.Contains(config.ModelName))
            return $"Its configuration is {yaml}.";
        string architecture = Path.ChangeExtension(checkpoint, ".architecture.json");
        AtomicFile.WriteAllBytes(architecture, Encoding.UTF8.GetBytes(config.ToArchitectureJson()));
        return $"Its configuration is {yaml}, with {architecture} for the part that CoreNet keeps in code.";
    }
}
