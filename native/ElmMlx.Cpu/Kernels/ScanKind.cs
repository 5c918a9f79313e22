namespace ElmMlx.Cpu.Kernels;

/// <summary>What runs along the axis.</summary>
internal enum ScanKind
{
    Sum,
    Prod,
    Max,
    Min,
    LogAddExp,
}
