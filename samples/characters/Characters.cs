using ElmMlx.Nn;
using ElmMlx.Optimizers;

namespace ElmMlx.Samples;

/// <summary>
/// A transformer that learns a poem letter by letter (Edward Lear, The Owl and the Pussy-cat, 1871), and says it.
/// <c>dotnet run --project samples/characters</c>
/// </summary>
public static class Characters
{
    private const int Length = 48;

    /// <summary>Runs the sample and prints what it has learnt.</summary>
    public static void Main()
    {
        (float[] losses, string spoken) = Run(steps: 400, spokenLength: 300);
        for (int step = 0; step < losses.Length; step += 40)
            Console.WriteLine($"step {step,3}: loss {losses[step]:0.000}");
        Console.WriteLine($"\n{spoken}");
    }

    /// <summary>Learns from 16 pieces of 48 letters a step, then goes on from "The Owl".</summary>
    /// <returns>The loss before each step, and what the model says.</returns>
    public static (float[] Losses, string Spoken) Run(int steps, int spokenLength, int seed = 1)
    {
        using var scope = new ArrayScope();
        MlxRandom.Seed((ulong)seed);
        var random = new Random(seed);
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "text.txt"));
        char[] letters = [.. text.Distinct().Order()];
        int[] ids = [.. text.Select(letter => Array.IndexOf(letters, letter))];

        using var model = new LetterModel(letters.Length, dims: 64, numLayers: 2, numHeads: 4);
        using var optimizer = new AdamW(0.003);
        var losses = new float[steps];
        for (int step = 0; step < steps; step++)
        {
            using var inner = new ArrayScope();
            int[] starts = [.. Enumerable.Range(0, 16).Select(_ => random.Next(ids.Length - Length))];
            MlxArray Pieces(int shift) => MlxArray.From<int>(
                [.. starts.SelectMany(start => ids.AsSpan(start + shift, Length).ToArray())], starts.Length, Length);
            MlxArray inputs = Pieces(0), targets = Pieces(1);                       // [16, 48]
            (MlxArray loss, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
                model, () => Losses.CrossEntropy(model.Forward(inputs), targets));
            optimizer.Update(model, gradients);
            MlxArray.Eval(
                [.. model.NamedParameters().Select(entry => entry.Parameter.Value), .. optimizer.State.Values]);
            losses[step] = loss.Item<float>();
        }
        return (losses, Speak(model, letters, "The Owl", spokenLength));
    }

    // The likeliest next letter each time, from the last 48.
    private static string Speak(LetterModel model, char[] letters, string text, int length)
    {
        while (text.Length < length)
        {
            using var scope = new ArrayScope();
            int[] ids = [.. text.TakeLast(Length).Select(letter => Array.IndexOf(letters, letter))];
            MlxArray logits = model.Forward(MlxArray.From<int>(ids, 1, ids.Length));    // [1, L, V]
            text += letters[logits[0, ^1].ArgMax().Item<int>()];
        }
        return text;
    }

    // Letters and their places become vectors, which see those before them; the letters' table is the output layer too.
    private sealed class LetterModel : Module
    {
        private readonly Child<Embedding> _letters;
        private readonly Child<Embedding> _places;
        private readonly Child<TransformerEncoder> _blocks;

        public LetterModel(int vocabulary, int dims, int numLayers, int numHeads)
        {
            _letters = AddChild("letters", new Embedding(vocabulary, dims));
            _places = AddChild("places", new Embedding(Length, dims));
            _blocks = AddChild(
                "blocks", new TransformerEncoder(numLayers, dims, numHeads, activation: Activations.Gelu));
        }

        // [B, L] to [B, L, V]
        public MlxArray Forward(MlxArray ids)
        {
            MlxArray x = _letters.Module.Forward(ids) + _places.Module.Forward(MlxArray.Arange(ids.Dim(1)));
            return _letters.Module.AsLinear(_blocks.Module.Forward(x, AttentionMask.Causal));
        }
    }
}
