using System.Text.Json;
using ElmMlx.Weights;

namespace ElmMlx.Tests;

/// <summary>
/// A case of <c>tests/fixtures/nn</c>: a layer or function of mlx.nn, what goes in and what comes out.
/// </summary>
internal sealed class NnGolden
{
    private static readonly SafetensorsFile Tensors = GoldenArrays.Open("nn/nn.safetensors");
    private static readonly Dictionary<string, NnGolden> Cases =
        GoldenArrays.Json("nn/manifest.json").GetProperty("cases")
        .EnumerateArray().Select(json => new NnGolden(json)).ToDictionary(each => each.Name, StringComparer.Ordinal);

    private readonly JsonElement _json;

    private NnGolden(JsonElement json) => _json = json;

    public static IEnumerable<string> Names => Cases.Keys;

    public string Name => _json.GetProperty("name").GetString()!;

    public string[] ParameterNames =>
        [.. _json.GetProperty("parameters").EnumerateArray().Select(name => name.GetString()!)];

    /// <summary>Parameters that are one number in a new layer.</summary>
    public Dictionary<string, double> Constants => _json.GetProperty("constants").EnumerateObject()
        .ToDictionary(entry => entry.Name, entry => entry.Value.GetDouble());

    public MlxArray[] Inputs => [.. Enumerable.Range(0, _json.GetProperty("inputs").GetArrayLength())
        .Select(i => Array($"{Name}/input/{i}"))];

    public Dictionary<string, MlxArray> Parameters =>
        ParameterNames.ToDictionary(name => name, name => Array($"{Name}/parameter/{name}"));

    public static NnGolden Of(string name) => Cases[name];

    /// <summary>What the layer draws when it is made, in order, from the process's random state.</summary>
    public MlxArray[] Draws() => [.. _json.GetProperty("draws").EnumerateArray().Select(draw =>
    {
        int[] shape = draw.GetProperty("shape").Ints();
        double Number(string name) => draw.GetProperty(name).GetDouble();
        MlxArray drawn = draw.GetProperty("kind").GetString() == "uniform"
            ? MlxRandom.Uniform(shape, Number("low"), Number("high"))
            : MlxRandom.Normal(shape, loc: (float)Number("loc"), scale: (float)Number("scale"));
        drawn.Eval();
        return drawn;
    })];

    /// <summary>What is wrong with the results, as a failed assertion.</summary>
    public void Check(params MlxArray[] results)
    {
        JsonElement[] shapes = [.. _json.GetProperty("outputs").EnumerateArray()];
        Xunit.Assert.Equal(shapes.Length, results.Length);
        for (int i = 0; i < results.Length; i++)
        {
            Xunit.Assert.Equal(shapes[i].Ints(), results[i].Shape);
            Close($"{Name}/output/{i}", results[i]);
        }
    }

    /// <summary>What the layer moves on the way: running means.</summary>
    public void CheckAfter(IReadOnlyDictionary<string, MlxArray> parameters)
    {
        foreach (JsonElement name in _json.GetProperty("after").EnumerateArray())
            Close($"{Name}/after/{name.GetString()}", parameters[name.GetString()!]);
    }

    private static void Close(string key, MlxArray got)
    {
        double[] expected = Tensors.Doubles(key);
        GoldenArrays.Close(expected, got.Floats(), 2e-5 * Math.Max(1, expected.Max(Math.Abs)), key);
    }

    private static MlxArray Array(string key)
    {
        TensorInfo tensor = Tensors[key];
        var bytes = new byte[tensor.ByteCount];
        Tensors.Read(tensor, bytes);
        return MlxArray.FromBytes(
            bytes, tensor.Type is TensorType.Int32 ? DType.Int32 : DType.Float32, [.. tensor.Shape]);
    }
}
