namespace ElmMlx.OpenElm;

// From shapes to a configuration, and which configuration a set of shapes belongs to.
public sealed partial record OpenElmConfig
{
    /// <summary>Reads all sizes from the tensors' shapes, under CoreNet's names without prefix.</summary>
    /// <param name="shapes">Name to shape; tensors that no OpenELM has are ignored.</param>
    /// <param name="source">What to call the checkpoint in errors.</param>
    /// <exception cref="InvalidDataException">
    /// The tensors are not an OpenELM's, or the head size cannot be seen because queries and keys have no norm.
    /// </exception>
    public static OpenElmConfig InferFromShapes(
        IReadOnlyDictionary<string, int[]> shapes, string source = "the checkpoint")
    {
        int[] embedding = Matrix("token_embeddings.weight");
        int model = embedding[1];
        var widths = new List<OpenElmLayer>();
        int head = shapes.TryGetValue("layers.0.attn.q_norm.weight", out int[]? norm) && norm.Length == 1 ? norm[0] : 0;
        if (head <= 0)
            throw new InvalidDataException(
                $"{source}: the head size cannot be seen from tensors without q_norm; describe the model in a JSON " +
                    "file (--architecture FILE).");
        bool? glu = null;
        for (int i = 0; shapes.ContainsKey($"layers.{i}.attn.qkv_proj.weight"); i++)
        {
            if (i == MaxLayers)
                throw new InvalidDataException($"{source} has more than {MaxLayers} layers.");
            int qkv = Matrix($"layers.{i}.attn.qkv_proj.weight")[0];
            int query = Matrix($"layers.{i}.attn.out_proj.weight")[1];
            int first = Matrix($"layers.{i}.ffn.proj_1.weight")[0];
            int feedForward = Matrix($"layers.{i}.ffn.proj_2.weight")[1];
            int keys = (qkv - query) / 2;
            if (query % head != 0 || keys <= 0 || keys % head != 0 || query + 2 * keys != qkv)
                throw new InvalidDataException(
                    $"{source}: layers.{i}.attn.qkv_proj.weight has {qkv} rows, which {query / head} query heads of " +
                        $"{head} do not explain.");
            bool layerGlu = first == 2L * feedForward;
            if (!layerGlu && first != feedForward || glu is not null && glu != layerGlu)
                throw new InvalidDataException(
                    $"{source}: layers.{i}.ffn.proj_1.weight has {first} rows, which does not fit the {feedForward} " +
                        "columns of proj_2.");
            glu = layerGlu;
            widths.Add(new OpenElmLayer(query / head, keys / head, feedForward));
        }
        if (widths.Count == 0)
            throw new InvalidDataException($"{source}: there is no layers.0.attn.qkv_proj.weight, so this is not an " +
                "OpenELM.");

        // Any step that divides all widths reproduces them from width / model_dim.
        int divisor = 256;
        foreach (OpenElmLayer layer in widths)
            divisor = (int)System.Numerics.BigInteger.GreatestCommonDivisor(divisor, layer.FeedForwardSize);
        var config = new OpenElmConfig
        {
            ModelName = "OpenELM",
            VocabularySize = embedding[0],
            PaddingIndex = embedding[0] == 32128 ? 32000 : null,
            ModelSize = model,
            HeadSize = head,
            Layers = widths,
            FeedForwardWithGlu = glu!.Value,
            TieEmbeddings = !shapes.ContainsKey("classifier.weight"),
            QueryGroups = widths[0].QueryHeads / widths[0].KeyValueHeads,
            FeedForwardDivisor = divisor,
            FeedForwardMultipliers = [.. widths.Select(layer => (double)layer.FeedForwardSize / model)],
        }.Checked(source);
        foreach (string name in KnownNames)
            if (FromName(name, config.VocabularySize) is { } known && config.TieEmbeddings && known.SameWidths(config))
                return known with { PaddingIndex = config.PaddingIndex };
        return config;

        int[] Matrix(string name)
        {
            if (!shapes.TryGetValue(name, out int[]? shape))
                throw new InvalidDataException($"{source}: the tensor {name} is missing, so this is not an OpenELM.");
            if (shape.Length != 2 || shape[0] < 1 || shape[1] < 1)
                throw new InvalidDataException($"{source}: {name} is [{string.Join(", ", shape)}]; it must be a " +
                    "matrix.");
            return shape;
        }
    }

    /// <summary>The name of the published size that a checkpoint's tensors have, or null.</summary>
    public static string? NameThatFits(IReadOnlyDictionary<string, int[]> shapes)
    {
        try
        {
            string name = InferFromShapes(shapes).ModelName;
            return KnownNames.Contains(name) ? name : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>Whether every tensor but the vocabulary's has the same shape.</summary>
    internal bool SameWidths(OpenElmConfig other) =>
        ModelSize == other.ModelSize && HeadSize == other.HeadSize && FeedForwardWithGlu == other.FeedForwardWithGlu &&
        NormalizeQueryKey == other.NormalizeQueryKey && Layers.SequenceEqual(other.Layers);
}
