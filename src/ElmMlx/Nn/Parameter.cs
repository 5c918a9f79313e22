namespace ElmMlx.Nn;

/// <summary>An array that belongs to a module, under the last part of its checkpoint key.</summary>
public sealed class Parameter
{
    internal Parameter(string name, MlxArray value)
    {
        Name = name;
        Value = Owned.Take(value);
    }

    /// <summary>The last part of the checkpoint key, for example <c>weight</c>.</summary>
    public string Name { get; }

    /// <summary>
    /// The array. Setting it hands over nothing: a transform puts its own arrays here for a while and the
    /// former ones back.
    /// </summary>
    public MlxArray Value { get; set; }

    /// <summary>Takes another array and frees the former one.</summary>
    internal void Replace(MlxArray value)
    {
        if (ReferenceEquals(value, Value))
            return;
        Value.Dispose();
        Value = Owned.Take(value);
    }
}
