using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using ElmMlx.Bindings;
using ElmMlx.Tests;

namespace ElmMlx.Differential;

/// <summary>A program while it is made, with the shapes and dtypes of what it has so far.</summary>
internal sealed class Draft(PCG pcg) : IDisposable
{
    private const int MostElements = 2000, MostAxes = 5;
    private const string Float = "float32", Half = "float16", Brain = "bfloat16", Double = "float64";

    private static readonly string[] AllTypes =
    [
        Float, Float, Float, Float, Half, Half, Brain, Brain, Double, Double, "complex64", "bool", "int8", "int16",
        "int32", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    ];

    private static readonly string[] RealTypes = [Float, Float, Float, Float, Float, Half, Brain, Double];

    private readonly NativeArena _arena = new();
    private readonly Dictionary<int, Known> _known = [];
    private int _nValues;

    public FuzzProgram Program { get; private set; } = new([], [], "none");

    /// <summary>Whether the last operation was refused, which ends the program.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>A number from 0 to <paramref name="count"/> − 1.</summary>
    public int Next(int count) => (int)pcg.Next((uint)count);

    public bool Chance(int percent) => Next(100) < percent;

    public T Pick<T>(params T[] choices) => choices[Next(choices.Length)];

    /// <summary>An axis of a value, sometimes counted from the end, now and then one that it has not.</summary>
    public int Axis(Known x) => Chance(2) ? x.Rank : Next(2 * Math.Max(x.Rank, 1)) - Math.Max(x.Rank, 1);

    public void Begin(string transform)
    {
        Program = Program with { Transform = transform };
        int n = 1 + Next(3);
        string type = transform is "none" or "vmap" ? Pick(AllTypes) : Pick(RealTypes);
        int[] shape = Shape();
        for (int i = 0; i < n; i++)
        {
            string own = Chance(75) ? type : transform is "none" or "vmap" ? Pick(AllTypes) : Pick(RealTypes);
            Constant(own, Chance(75) ? shape : Shape(), isVariable: true);
        }
    }

    /// <summary>Any value that there is, more often a late one.</summary>
    public Known Any()
    {
        int n = Program.Inputs.Count;
        if (_nValues > 0 && Chance(60))
            return _known[_nValues - 1 - Next(Math.Min(_nValues, 2))];
        return _known[Next(n + _nValues) - n];
    }

    /// <summary>Any value that <paramref name="fits"/>, or a constant of the shape and dtype.</summary>
    public Known Fitting(Func<Known, bool> fits, string type, int[] shape)
    {
        Known[] fitting = [.. _known.Values.Where(fits)];
        return fitting.Length > 0 && Chance(60) ? Pick(fitting) : Constant(type, shape);
    }

    /// <summary>A value to go with another one: the same dtype more often than not, a shape that broadcasts.</summary>
    public Known Partner(Known x)
    {
        if (Chance(40))
        {
            Known other = Any();
            if (Chance(3) || Broadcasts(x.Shape, other.Shape))
                return other;
        }

        int[] shape = [.. x.Shape.Skip(Next(x.Rank + 1) * Next(2)).Select(length => Chance(15) ? 1 : length)];
        return Constant(Chance(80) ? x.Type : Pick(AllTypes), shape);
    }

    /// <summary>A new array with the numbers; all between <paramref name="low"/> and <paramref name="high"/>.</summary>
    public Known Constant(string type, int[] shape, int? low = null, int? high = null, bool isVariable = false)
    {
        int n = shape.Aggregate(1, (product, length) => product * length), batch = -1;
        int[] whole = shape;
        if (isVariable && Program.Transform == "vmap")
        {
            batch = Next(shape.Length + 1);
            whole = [.. shape[..batch], 3, .. shape[batch..]];
            n *= 3;
        }

        bool isWhole = !Elements.IsInexact(type);
        double[] numbers = [.. Enumerable.Range(0, n).Select(_ => low is { } least
            ? least + Next(high!.Value - least + 1)
            : isWhole ? type[0] == 'u' ? Next(12) : Next(17) - 8 : Number())];
        int value = -1 - Program.Inputs.Count;
        bool isDifferentiable = Program.Transform == "vmap" || Elements.IsFloat(type);
        Program.Inputs.Add(new Input(
            type, whole, Elements.Encode(type, numbers), isVariable && isDifferentiable, batch));
        mlx_array inner = _arena.New(new GoldenTensor(
            GoldenTensors.TypeOf(type), shape, Elements.Encode(type, numbers[..(batch < 0 ? n : n / 3)])));
        return _known[value] = new Known(value, type, shape, inner, true);
    }

    public int[] Shape()
    {
        int rank = Pick(0, 1, 1, 2, 2, 2, 3, 3, 4);
        return [.. Enumerable.Range(0, rank).Select(_ => Chance(2) ? 0 : Pick(1, 2, 2, 3, 3, 4, 5, 7, 8))];
    }

    /// <summary>Adds the operation; one that is refused only now and then, and then it ends the program.</summary>
    public void Add(Step? step)
    {
        if (step is null)
            return;
        mlx_array[] outputs;
        try
        {
            object?[] operands = [.. step.Operands.Select(o => o.IsVector
                ? (object)o.Values.Select(v => _known[v].Array).ToArray()
                : o.Values.Length == 0 ? null : _known[o.Values[0]].Array)];
            using JsonDocument arguments = JsonDocument.Parse(step.Arguments.ToJsonString());
            outputs = CFunction.Of(step.Operation).Call(_arena, operands, arguments.RootElement);
        }
        catch (RefusedException)
        {
            IsRefused = Chance(20);
            if (IsRefused)
                Program.Steps.Add(step);
            return;
        }

        Known[] known = [.. outputs.Select((array, i) => Known.Of(_nValues + i, array))];
        if (known.Length == 0 || known.Any(x => x.Size > MostElements || x.Rank > MostAxes))
            return;
        Program.Steps.Add(step);
        foreach (Known value in known)
            _known[value.Value] = value;
        _nValues += known.Length;
    }

    /// <summary>The program; without a transform where that has nothing to work on.</summary>
    public FuzzProgram End()
    {
        bool isDerivative = Program.Transform is "vjp" or "jvp" or "checkpoint";
        bool isReal = _known.Values.All(x => x.Type != "complex64");
        if (_nValues == 0 || IsRefused || !Program.Inputs.Any(x => x.IsVariable)
            || (isDerivative && !(isReal && Elements.IsFloat(_known[_nValues - 1].Type))))
        {
            if (Program.Transform != "vmap")
                Program = Program with { Transform = "none" };
        }

        return Program;
    }

    public static Step Step(string operation, IEnumerable<Known?> operands, JsonObject? arguments = null) =>
        new(operation, [.. operands.Select(x => new Operand(x is null ? [] : [x.Value], false))], arguments ?? []);

    public void Dispose() => _arena.Dispose();

    private double Number() => Next(100) switch
    {
        < 60 => (Next(33) - 16) / 4.0,
        < 90 => (Next(2001) - 1000) / 397.0,
        < 95 => Next(9) - 4,
        < 97 => Pick(0.0, -0.0, 1e-3, 100.0, -100.0, 1e4),
        _ => (Next(2001) - 1000) / 8191.0,
    };

    private static bool Broadcasts(int[] a, int[] b)
    {
        for (int i = 1; i <= Math.Min(a.Length, b.Length); i++)
        {
            if (a[^i] != b[^i] && a[^i] != 1 && b[^i] != 1)
                return false;
        }

        return true;
    }
}
