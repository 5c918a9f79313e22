namespace ElmMlx.Cpu;

/// <summary>What an update does with the element it meets.</summary>
internal enum ScatterMode
{
    /// <summary>Takes its place.</summary>
    Set,

    Sum,

    Prod,

    Max,

    Min,
}
