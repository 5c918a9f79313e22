using ElmMlx.Lora;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>Converts adapters alone, without the model that they belong to.</summary>
public static class AdapterConverter
{
    /// <summary>Converts.</summary>
    /// <param name="input">A folder of mlx-lm's or PEFT's, or a CoreNet checkpoint with adapters.</param>
    /// <param name="output">The folder to make.</param>
    /// <param name="format">Of which tool.</param>
    /// <param name="configYaml">CoreNet's training configuration, which alone knows the scale.</param>
    /// <param name="overwrite">Whether an adapter folder that exists is replaced.</param>
    /// <returns>What was converted, in words, and what is worth knowing.</returns>
    /// <exception cref="ArgumentException">The format cannot say what the adapters are.</exception>
    /// <exception cref="InvalidDataException">The input is malformed.</exception>
    /// <exception cref="IOException">A file is missing or cannot be written, or the output exists.</exception>
    public static (string Description, IReadOnlyList<string> Notes) Convert(
        string input, string output, AdapterFormat format, string? configYaml = null, bool overwrite = false)
    {
        OutputFolder.Check(output, overwrite, AdapterConfig.FileName);
        (AdapterSet set, int? layers) = Read(input, configYaml);
        using OutputFolder folder = new(output, overwrite, AdapterConfig.FileName);
        if (format == AdapterFormat.Peft)
            PeftWriter.Write(folder.Path, set);
        else
            MlxLmAdapters.Write(folder.Path, set, layers);
        folder.Commit();
        return (set.Description, [.. set.Notes, .. Notes(set, format, layers)]);
    }

    private static (AdapterSet Set, int? Layers) Read(string input, string? configYaml)
    {
        bool isFolder = Directory.Exists(input);
        if (!isFolder && !File.Exists(input))
            throw new FileNotFoundException($"There is no file or folder {input}.");
        if (isFolder || input.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            return configYaml is null
                ? (AdapterSet.Read(input), null)
                : throw new ArgumentException($"{input} says its scale itself; leave --config-yaml away.");
        using TorchSource source = TorchSource.Open(input);
        if (!source.Tensors.Keys.Any(CoreNetAdapters.IsAdapterTensor))
            throw new InvalidDataException($"{input} holds no adapters (names with lora_A and lora_B).");
        CoreNetYaml? yaml = configYaml is null ? null
            : File.Exists(configYaml) ? CoreNetYaml.Read(configYaml)
            : throw new FileNotFoundException($"The file {configYaml} (--config-yaml) is not there.");
        return (CoreNetAdapters.Read(source, yaml), source.Tensors.Keys.Max(LayerOf) + 1);
    }

    private static int LayerOf(string name) =>
        name.Split('.') is ["layers", var number, ..] && int.TryParse(number, out int layer) ? layer : -1;

    private static IEnumerable<string> Notes(AdapterSet set, AdapterFormat format, int? layers)
    {
        bool theirs = format == AdapterFormat.MlxLm;      // mlx-lm's tied output layer has the embedding's adapter
        if (set.Adapters.Values.Any(adapter => adapter.IsEmbedding) && set.AdaptsTiedOutput != theirs)
            yield return theirs
                ? "The embedding has an adapter, which mlx-lm uses in a tied output layer too and the former " +
                    "tool does " +
                    "not: on a tied model the answers differ; mlx-convert --adapter merges it as it was meant."
                : "The embedding has an adapter, which PEFT does not use in a tied output layer: on a tied model the " +
                    "answers differ; elm fuse merges it as it was meant.";
        if (theirs && layers is null)
            yield return "How many layers the model has is not known here, so num_layers is -1: when mlx-lm loads " +
                "this, all layers get adapters, and those that are not in the file do nothing.";
    }
}
