namespace ElmMlx.Cpu;

/// <summary>A function of the C interface that this provider does not have.</summary>
internal sealed class NotImplementedOnCpuException : NotSupportedException
{
    public NotImplementedOnCpuException(string function)
        : base($"[cpu] {function} is not implemented")
    {
    }
}
