namespace ElmMlx.Cpu.Kernels;

/// <summary>What is done with one run of <see cref="Runs"/>.</summary>
internal interface IRunBody
{
    /// <param name="output">Index of the run's first element in the row-contiguous result.</param>
    /// <param name="offsets">Offset of the run's first element in each operand, in elements.</param>
    /// <param name="length">Elements; at most <see cref="Runs.TaskLength"/>.</param>
    void Run(long output, ReadOnlySpan<long> offsets, int length);
}
