namespace ElmMlx.Text.Jinja;

/// <summary>Which of Python's rows of items something is.</summary>
internal enum JinjaSequenceKind
{
    List,
    Tuple,
    Range,

    /// <summary>What <c>dict.keys()</c> and the like give: has a length, but no places.</summary>
    View,

    /// <summary>What filters give: can be gone through once.</summary>
    Generator,
}
