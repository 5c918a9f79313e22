namespace ElmMlx;

/// <summary>An operation was refused: the message names it, its operands' shapes and dtypes, and the reason.</summary>
public sealed class MlxException : Exception
{
    /// <summary>A refusal without a reason.</summary>
    public MlxException()
        : this("", "refused without a reason")
    {
    }

    /// <summary>A refusal.</summary>
    public MlxException(string message)
        : this("", message)
    {
    }

    /// <summary>A refusal that something else caused.</summary>
    public MlxException(string message, Exception innerException)
        : base(message, innerException) => Operation = "";

    /// <summary>A refusal of <paramref name="operation"/>.</summary>
    /// <param name="operation">The C function's name without <c>mlx_</c>.</param>
    /// <param name="reason">Why: one clear sentence.</param>
    /// <param name="operands">Shape and dtype of each operand, as in <c>[2, 37] float32</c>.</param>
    public MlxException(string operation, string reason, params ReadOnlySpan<string> operands)
        : base(Describe(operation, reason, operands)) => Operation = operation;

    /// <summary>The operation that was refused: the C function's name without <c>mlx_</c>.</summary>
    public string Operation { get; }

    private static string Describe(string operation, string reason, ReadOnlySpan<string> operands) =>
        operation.Length == 0 ? reason
        : operands.Length == 0 ? $"{operation}: {reason}"
        : $"{operation} of {string.Join(", ", operands)}: {reason}";
}
