namespace ElmMlx.Nn;

/// <summary>Which side of a matrix He's initializers look at.</summary>
public enum FanMode
{
    /// <summary>The inputs: numbers going forward keep their size.</summary>
    FanIn,

    /// <summary>The outputs: gradients going backward keep theirs.</summary>
    FanOut,
}
