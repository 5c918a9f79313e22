namespace ElmMlx;

/// <summary>The kinds of <see cref="ArrayIndex"/>.</summary>
internal enum IndexKind
{
    Number,
    Range,
    Array,
    NewAxis,
    Ellipsis,
}
