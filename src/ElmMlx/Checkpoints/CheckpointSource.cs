using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>Where tensors come from: a CoreNet checkpoint, or a model folder of either layout.</summary>
internal abstract class CheckpointSource : IDisposable
{
    private readonly Dictionary<string, SourceTensor> _tensors = new(StringComparer.Ordinal);

    /// <summary>The file or folder.</summary>
    public abstract string Path { get; }

    /// <summary>What it is, in words.</summary>
    public abstract string Description { get; }

    /// <summary>What is worth telling about it.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>The tensors by CoreNet's name.</summary>
    public IReadOnlyDictionary<string, SourceTensor> Tensors => _tensors;

    /// <summary>Length of the files.</summary>
    public long ByteCount => _tensors.Values.Sum(tensor => tensor.ByteCount);

    /// <summary>Reads elements; see <see cref="SourceTensor.CanReadPieces"/>.</summary>
    public abstract void Read(SourceTensor tensor, long offset, Span<byte> destination);

    public abstract void Dispose();

    protected void Add(SourceTensor tensor)
    {
        if (!_tensors.TryAdd(tensor.Name, tensor))
            throw new InvalidDataException($"{Path}: the tensor {tensor.Name} stands there twice, with and without " +
                "its prefix.");
    }

    protected void Remove(string name) => _tensors.Remove(name);

    /// <summary>All elements of a tensor as float32.</summary>
    public float[] ReadFloats(SourceTensor tensor)
    {
        var bytes = new byte[checked((int)tensor.ByteCount)];
        Read(tensor, 0, bytes);
        var floats = new float[tensor.ElementCount];
        TensorCast.ToFloats(tensor.Type, bytes, floats);
        return floats;
    }

    /// <summary>
    /// Drops an output layer that holds the same numbers as the embedding: some programs save a tied one twice.
    /// </summary>
    public void DropRepeatedHead()
    {
        if (!Tensors.TryGetValue("classifier.weight", out SourceTensor? head) ||
            !Tensors.TryGetValue("token_embeddings.weight", out SourceTensor? embedding) ||
            head.Type != embedding.Type || !head.Shape.SequenceEqual(embedding.Shape))
            return;
        var first = new StoredRows(this, head);
        var second = new StoredRows(this, embedding);
        var a = new byte[first.RowsAPiece * first.RowBytes];
        var b = new byte[a.Length];
        for (int row = 0; row < first.Rows; row += first.RowsAPiece)
        {
            int bytes = Math.Min(first.RowsAPiece, first.Rows - row) * first.RowBytes;
            first.Read(row, a.AsSpan(0, bytes));
            second.Read(row, b.AsSpan(0, bytes));
            if (!a.AsSpan(0, bytes).SequenceEqual(b.AsSpan(0, bytes)))
                return;
        }
        Remove("classifier.weight");
        Notes.Add("classifier.weight repeats the embedding and is left out: the output layer is tied.");
    }
}
