using System.Globalization;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>What <c>elm info</c> says about adapters, which the model has when it is told.</summary>
internal static class AdapterInfo
{
    private const string Layers = "layers.", Factor = ".lora_a", OtherFactor = ".lora_b", Magnitudes = ".m";

    public static void Print(OpenElmModel model, string folder)
    {
        (string Path, Parameter Parameter)[] all = [.. model.NamedParameters()];
        (string Path, Parameter Parameter)[] factors = [.. all.Where(entry => Ends(entry.Path, Factor))];
        (string Path, Parameter Parameter)[] trained;
        string what;
        if (factors.Length > 0)
        {
            trained = [.. all.Where(entry =>
                Ends(entry.Path, Factor) || Ends(entry.Path, OtherFactor) || Ends(entry.Path, Magnitudes))];
            int dora = trained.Count(entry => Ends(entry.Path, Magnitudes));
            string kind = dora == 0 ? "LoRA" : dora == factors.Length ? "DoRA" : "DoRA and LoRA";
            string ranks = string.Join("/", factors.Select(entry => entry.Parameter.Value.Dim(1)).Distinct().Order());
            what = $"{kind} of rank {ranks} on {factors.Length} matrices, {Places(factors)}";
        }
        else
        {
            int count = model.Config.Layers.Count, last = AdapterConfig.Read(folder).LayerCount;
            int first = last > 0 ? count - Math.Min(last, count) : 0;
            trained = [.. all.Where(entry => LayerOf(entry.Path) >= first)];
            what = $"whole weights, {Places(trained)}";
        }

        long size = trained.Sum(entry => entry.Parameter.Value.Size);
        Console.WriteLine($"adapters   {what}, in {folder}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"trainable  {size:N0} parameters, {100.0 * size / model.Config.ParameterCount:F3}% of the " +
                $"model's number"));
    }

    // Layers 2 to 5; layers 0, 3; and what is outside the layers by its name.
    private static string Places((string Path, Parameter Parameter)[] entries)
    {
        int[] layers = [.. entries.Select(entry => LayerOf(entry.Path)).OfType<int>().Distinct().Order()];
        string[] outside = [.. entries.Where(entry => LayerOf(entry.Path) is null)
            .Select(entry => entry.Path[..entry.Path.LastIndexOf('.')]).Distinct()];
        string? inside = layers.Length switch
        {
            0 => null,
            1 => $"layer {layers[0]}",
            _ when layers[^1] - layers[0] == layers.Length - 1 => $"layers {layers[0]} to {layers[^1]}",
            _ => $"layers {string.Join(", ", layers)}",
        };
        return string.Join(" and ", new[] { inside }.OfType<string>().Concat(outside));
    }

    private static int? LayerOf(string path) => path.StartsWith(Layers, StringComparison.Ordinal)
        ? int.Parse(path[Layers.Length..path.IndexOf('.', Layers.Length)], CultureInfo.InvariantCulture)
        : null;

    private static bool Ends(string path, string suffix) => path.EndsWith(suffix, StringComparison.Ordinal);
}
