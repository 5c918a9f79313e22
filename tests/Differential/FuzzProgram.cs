using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace ElmMlx.Differential;

/// <summary>A small program: a function of arrays, what is done with it, and the arrays.</summary>
/// <param name="Inputs">The arrays; value −1 − i is input i.</param>
/// <param name="Steps">The function's operations; their outputs are values 0, 1, …, and the last is the result.</param>
/// <param name="Transform">none, vjp, jvp, checkpoint (a gradient through one) or vmap.</param>
internal sealed record FuzzProgram(List<Input> Inputs, List<Step> Steps, string Transform)
{
    public string ToJson() => JsonSerializer.Serialize(this);

    public static FuzzProgram Parse(string json) => JsonSerializer.Deserialize<FuzzProgram>(json)!;

    /// <summary>Whether an operation's name begins with one of <paramref name="operations"/>.</summary>
    public bool Uses(params string[] operations) => Steps.Any(
        step => operations.Any(name => step.Operation.StartsWith(name, StringComparison.Ordinal)));

    /// <summary>The step that made a value; the last one, if none did.</summary>
    public Step StepOf(int value)
    {
        int first = 0;
        return Steps.FirstOrDefault(step => value < (first += step.Outputs)) ?? Steps[^1];
    }

    /// <summary>What a step works on, as far as there is an outcome.</summary>
    public Value[] OperandsOf(Step step, Outcome outcome) => [.. step.Operands.SelectMany(operand => operand.Values)
        .Where(value => value < outcome.Values.Count)
        .Select(value => value < 0 ? Inputs[-1 - value].At(0).AsValue : outcome.Values[value])];

    /// <summary>A step as a program of its own, on operands that <paramref name="input"/> makes of values.</summary>
    public FuzzProgram Alone(Step step, Func<int, Input> input)
    {
        int[] values = [.. step.Operands.SelectMany(operand => operand.Values).Distinct()];
        Step renumbered = step with
        {
            Operands = [.. step.Operands.Select(operand => operand with
            {
                Values = [.. operand.Values.Select(value => -1 - Array.IndexOf(values, value))],
            })],
        };
        return new FuzzProgram([.. values.Select(input)], [renumbered], Transform);
    }

    /// <summary>A value as a constant: an input at an index of its batch, or what came out of a step.</summary>
    public Input At(int value, Outcome outcome, int index = 0) => value < 0
        ? Inputs[-1 - value].At(index)
        : outcome.Values[value].AsInput;

    /// <summary>The program as people read it, a line each array and operation.</summary>
    public string Describe()
    {
        IEnumerable<string> inputs = Inputs.Select((x, i) =>
            $"  {-1 - i}: {x.Type} [{string.Join(", ", x.Shape)}]{(x.IsVariable ? " variable" : "")}"
            + (x.BatchAxis >= 0 ? $" batch axis {x.BatchAxis}" : ""));
        IEnumerable<string> steps = Steps.Select(step =>
            $"  {step.Operation}({string.Join(", ", step.Operands.Select(Describe))}) {step.Arguments.ToJsonString()}");
        return $"{Transform} of\n{string.Join('\n', inputs.Concat(steps))}";

        static string Describe(Operand operand) => operand.IsVector
            ? $"[{string.Join(", ", operand.Values)}]"
            : operand.Values.Length == 0 ? "none" : $"{operand.Values[0]}";
    }
}

/// <summary>An array of the program.</summary>
/// <param name="Type">The dtype's name, e.g. <c>float32</c>.</param>
/// <param name="Shape">With the axis of the batch, where it has one.</param>
/// <param name="Bytes">The elements, row after row.</param>
/// <param name="IsVariable">Whether gradients and tangents are asked for it.</param>
/// <param name="BatchAxis">The axis over which vmap goes; −1 for none.</param>
internal sealed record Input(string Type, int[] Shape, byte[] Bytes, bool IsVariable, int BatchAxis)
{
    [JsonIgnore]
    public Value AsValue => new(Type, Shape, Bytes, null);

    /// <summary>As a constant: what it is at an index of the batch, where it has one.</summary>
    public Input At(int index)
    {
        if (BatchAxis < 0)
            return this with { IsVariable = false };
        int nRows = Shape[..BatchAxis].Aggregate(1, (product, length) => product * length), n = Shape[BatchAxis];
        int row = nRows == 0 ? 0 : Bytes.Length / nRows / n;
        return new Input(
            Type,
            [.. Shape[..BatchAxis], .. Shape[(BatchAxis + 1)..]],
            [.. Enumerable.Range(0, nRows).SelectMany(
                i => Bytes[((i * n + index) * row)..((i * n + index + 1) * row)])],
            IsVariable: false,
            BatchAxis: -1);
    }
}

/// <summary>A call of the C function <c>mlx_</c> + <paramref name="Operation"/>.</summary>
internal sealed record Step(string Operation, List<Operand> Operands, JsonObject Arguments)
{
    /// <summary>How many values come out.</summary>
    [JsonIgnore]
    public int Outputs => Operation switch
    {
        "divmod" => 2,
        "quantize" => 3,
        "split" => Arguments["num_splits"]!.GetValue<int>(),
        "split_sections" => Arguments["indices"]!.AsArray().Count + 1,
        _ => 1,
    };
}

/// <summary>What an array or vector parameter gets: values' numbers; nothing for an empty array.</summary>
internal sealed record Operand(int[] Values, bool IsVector);

/// <summary>An array that came out, or why none did.</summary>
internal sealed record Value(string Type, int[] Shape, byte[] Bytes, string? Error)
{
    [JsonIgnore]
    public Input AsInput => new(Type, Shape, Bytes, IsVariable: false, BatchAxis: -1);
}

/// <summary>What came of a program.</summary>
/// <param name="Values">The outputs of the steps, one after the other; an error ends them.</param>
/// <param name="Transformed">The transform's values, then its derivatives.</param>
/// <param name="Death">How the process ended, if it did.</param>
internal sealed record Outcome(List<Value> Values, List<Value> Transformed, string? Death = null);
