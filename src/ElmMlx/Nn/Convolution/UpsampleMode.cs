namespace ElmMlx.Nn;

/// <summary>What <see cref="Upsample"/> puts between the places of its input.</summary>
public enum UpsampleMode
{
    /// <summary>The nearest place.</summary>
    Nearest,

    /// <summary>What lies on the line between two neighbours; of two axes: bilinear, and so on.</summary>
    Linear,

    /// <summary>What lies on the cubic curve through four neighbours (Keys 1981, with a = -0.75).</summary>
    Cubic,
}
