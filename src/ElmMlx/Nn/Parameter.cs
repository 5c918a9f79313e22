namespace ElmMlx.Nn;

/// <summary>An array that belongs to a module, under the last part of its checkpoint key.</summary>
public sealed class Parameter
{
    private MlxArray _owned;
    private MlxArray? _transposed;

    private bool _isTrainable = true;

    internal Parameter(string name, MlxArray value, bool isBuffer = false)
    {
        Name = name;
        IsBuffer = isBuffer;
        Value = _owned = Owned.Take(value);
    }

    /// <summary>The last part of the checkpoint key, for example <c>weight</c>.</summary>
    public string Name { get; }

    /// <summary>Whether training changes it. Buffers never are, whatever is set.</summary>
    public bool IsTrainable
    {
        get => _isTrainable && !IsBuffer;
        set => _isTrainable = value;
    }

    /// <summary>
    /// Whether it is saved and loaded as the others are, but moved by its module, not by an optimizer.
    /// </summary>
    public bool IsBuffer { get; }

    /// <summary>
    /// The array. Setting it hands over nothing: a transform puts its own arrays here for a while and the former
    /// ones back.
    /// </summary>
    public MlxArray Value { get; set; }

    /// <summary>
    /// The matrix with its axes swapped. That of the module's own array is made once: a new view of every matrix for
    /// every token would look to the garbage collector like the whole model again.
    /// </summary>
    internal MlxArray Transposed
    {
        get
        {
            if (!ReferenceEquals(Value, _owned))
                return Value.Transpose();
            if (_transposed is null)
            {
                _transposed = Owned.Take(_owned.Transpose());
                _transposed.Eval();
            }
            return _transposed;
        }
    }

    /// <summary>Takes another array and frees the former one.</summary>
    internal void Replace(MlxArray value)
    {
        if (ReferenceEquals(value, _owned))
            return;
        Dispose();
        _transposed = null;
        Value = _owned = Owned.Take(value);
    }

    /// <summary>Frees the module's array.</summary>
    internal void Dispose()
    {
        _transposed?.Dispose();
        _owned.Dispose();
    }
}
