namespace ElmMlx;

/// <summary>
/// What stands between the brackets of an array, once an axis: a number, a C# range, a range with a step, an array of
/// indices, null for a new axis, or <see cref="Ellipsis"/> for all axes that are not named.
/// </summary>
/// <example>
/// <c>x[0]</c>, <c>x[^1, 2..5]</c>, <c>x[ArrayIndex.Ellipsis, 0]</c>, <c>x[null, ..]</c>, <c>x[ids]</c>,
/// <c>x[.., ArrayIndex.Step(2)]</c>
/// </example>
public readonly struct ArrayIndex
{
    private ArrayIndex(
        IndexKind kind, Index index = default, Range range = default, int step = 1, MlxArray? array = null)
    {
        Kind = kind;
        Index = index;
        Range = range;
        Stride = step;
        Array = array;
    }

    /// <summary>All axes that are not named, as numpy's <c>...</c>.</summary>
    public static ArrayIndex Ellipsis => new(IndexKind.Ellipsis);

    /// <summary>A new axis of size 1, as <c>null</c>.</summary>
    public static ArrayIndex NewAxis => new(IndexKind.NewAxis);

    internal IndexKind Kind { get; }

    internal Index Index { get; }

    internal Range Range { get; }

    internal int Stride { get; }

    internal MlxArray? Array { get; }

    /// <summary>
    /// Every <paramref name="step"/>-th element of an axis; a negative step goes backwards from the last.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The step is zero.</exception>
    public static ArrayIndex Step(int step) => Step(.., step);

    /// <summary>
    /// Every <paramref name="step"/>-th element of a range; a negative step goes backwards from its last.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The step is zero.</exception>
    public static ArrayIndex Step(Range range, int step)
    {
        ArgumentOutOfRangeException.ThrowIfZero(step);
        return new ArrayIndex(IndexKind.Range, range: range, step: step);
    }

    /// <summary>One element of an axis, which goes away; negative ones count from the end.</summary>
    public static implicit operator ArrayIndex(int index) =>
        new(IndexKind.Number, index < 0 ? new Index(-index, fromEnd: true) : new Index(index));

    /// <summary>One element of an axis, which goes away.</summary>
    public static implicit operator ArrayIndex(Index index) => new(IndexKind.Number, index);

    /// <summary>A range of an axis.</summary>
    public static implicit operator ArrayIndex(Range range) => new(IndexKind.Range, range: range);

    /// <summary>
    /// Elements of an axis by an array of integers, whose shape stands in the axis's place; null is a new axis.
    /// </summary>
    public static implicit operator ArrayIndex(MlxArray? indices) =>
        indices is null ? NewAxis : new ArrayIndex(IndexKind.Array, array: indices);
}
