using System.Text.Json;
using ElmMlx.Bindings;
using ElmMlx.Tests;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Differential;

/// <summary>Runs programs on the provider that is loaded.</summary>
/// <remarks>With <c>noise</c>, every number that was computed is off by a rounding error chosen at random: what comes
/// out then shows how much rounding may change.</remarks>
internal sealed class Execution(FuzzProgram program, Noise? noise, int index) : IDisposable
{
    /// <summary>Where the numbers of cotangents start.</summary>
    public const int CotangentStart = 7;

    private readonly NativeArena _arena = new();

    /// <summary>The steps' values at an index of the batch, and what the transform gives.</summary>
    public static Outcome Run(FuzzProgram program, Noise? noise = null, int index = 0)
    {
        using var execution = new Execution(program, noise, index);
        return execution.Run();
    }

    public void Dispose() => _arena.Dispose();

    /// <summary>A direction: quarters between −1 and 1.</summary>
    public static double[] Along(int n, int start) =>
        [.. Enumerable.Range(start, n).Select(i => (i * 5 % 9 - 4) / 4.0)];

    private Outcome Run()
    {
        mlx_array[] whole = [.. program.Inputs.Select(New)];
        mlx_array[] inputs = [.. whole.Select((array, i) => At(array, program.Inputs[i]))];
        var values = new List<mlx_array>();
        string? error = null;
        try
        {
            Steps(inputs, values);
        }
        catch (RefusedException refused)
        {
            error = refused.Message;
        }

        var read = new Value[values.Count];
        for (int i = read.Length - 1; i >= 0; i--)      // the last needs all of the graph at once
            read[i] = Read(values[i]);
        List<Value> results = [.. read];
        if (error is not null)
            results.Add(Error(error));
        List<Value> transformed = [];
        if (read.Length > 0 && results.All(value => value.Error is null) && program.Transform != "none")
            transformed = Transformed(whole, read[^1]);
        return new Outcome(results, transformed);
    }

    private void Steps(mlx_array[] inputs, List<mlx_array> values)
    {
        mlx_array Used(int value)
        {
            mlx_array array = value < 0 ? inputs[-1 - value] : values[value];
            return noise?.Disturb(_arena, array) ?? array;      // anew at each use, so that x − x is no longer 0
        }

        foreach (Step step in program.Steps)
        {
            object?[] operands = [.. step.Operands.Select(operand => operand.IsVector
                ? (object)operand.Values.Select(Used).ToArray()
                : operand.Values.Length == 0 ? null : Used(operand.Values[0]))];
            using JsonDocument arguments = JsonDocument.Parse(step.Arguments.ToJsonString());
            foreach (mlx_array output in CFunction.Of(step.Operation).Call(_arena, operands, arguments.RootElement))
                values.Add(output);
        }
    }

    private List<Value> Transformed(mlx_array[] whole, Value result)
    {
        int[] places = [.. Enumerable.Range(0, whole.Length).Where(i => program.Inputs[i].IsVariable)];
        mlx_array[] primals = [.. places.Select(i => whole[i])];

        mlx_array[] Function(mlx_array[] arrays)
        {
            mlx_array[] inputs = [.. whole];
            for (int i = 0; i < places.Length; i++)
                inputs[places[i]] = arrays[i];
            var values = new List<mlx_array>();
            Steps(inputs, values);
            return [values[^1]];
        }

        try
        {
            mlx_array[] outputs = program.Transform switch
            {
                "vmap" => NativeVmap.Run(
                    _arena, Function, primals, [.. places.Select(i => program.Inputs[i].BatchAxis)]),
                "jvp" => Derivatives.Jvp(
                    _arena, Function, primals,
                    [.. places.Select(i => Direction(program.Inputs[i].Type, program.Inputs[i].Shape, i))]),
                _ => Derivatives.Vjp(
                    _arena, Function, primals, [Direction(result.Type, result.Shape, CotangentStart)],
                    program.Transform == "checkpoint"),
            };
            return [.. outputs.Select(Read)];
        }
        catch (RefusedException refused)
        {
            return [Error(refused.Message)];
        }
    }

    private mlx_array New(Input input) =>
        _arena.New(new GoldenTensor(GoldenTensors.TypeOf(input.Type), input.Shape, input.Bytes));

    // The batch at the index
    private mlx_array At(mlx_array array, Input input) => input.BatchAxis < 0
        ? array
        : CFunction.Call(_arena, "take_axis", [array, CFunction.Call(
            _arena, "full", [_arena.New(new GoldenTensor(MLX_INT32, [], BitConverter.GetBytes(index)))],
            """{"shape": [], "dtype": "int32"}""")], $$"""{"axis": {{input.BatchAxis}}}""");

    private mlx_array Direction(string type, int[] shape, int start)
    {
        double[] numbers = Along(shape.Aggregate(1, (product, length) => product * length), start);
        return _arena.New(new GoldenTensor(GoldenTensors.TypeOf(type), shape, Elements.Encode(type, numbers)));
    }

    private Value Read(mlx_array array)
    {
        try
        {
            GoldenTensor tensor = _arena.Read(array);
            string name = tensor.Type.ToString()["MLX_".Length..].ToLowerInvariant();
            return new Value(name, tensor.Shape, tensor.Bytes.ToArray(), null);
        }
        catch (RefusedException refused)
        {
            return Error(refused.Message);
        }
    }

    private static Value Error(string text) => new("", [], [], text);
}
