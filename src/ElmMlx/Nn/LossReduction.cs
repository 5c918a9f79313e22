namespace ElmMlx.Nn;

/// <summary>What becomes of the losses of single elements.</summary>
public enum LossReduction
{
    /// <summary>Their mean; a weighted one where there are weights.</summary>
    Mean,

    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>They stay as they are.</summary>
    None,
}
