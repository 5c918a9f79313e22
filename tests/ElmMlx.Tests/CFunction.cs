using System.Globalization;
using System.Reflection;
using System.Text.Json;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>
/// A C function called by its description in <c>mlx-c-fba4470.json</c>: arguments come by the parameters' names and
/// types, so that no function needs code of its own.
/// </summary>
internal sealed unsafe class CFunction
{
    private static readonly Lazy<Dictionary<string, CFunction>> All = new(Load);

    private static readonly JsonElement NoArguments = JsonDocument.Parse("{}").RootElement.Clone();

    private readonly MethodInfo _method;
    private readonly (string Name, string Type)[] _parameters;

    private CFunction(string name, (string Name, string Type)[] parameters)
    {
        Name = name;
        _method = typeof(Mlx).GetMethod(name)!;
        _parameters = parameters;
    }

    public string Name { get; }

    /// <summary>The function <c>mlx_</c> + <paramref name="operation"/>.</summary>
    public static CFunction Of(string operation) => All.Value["mlx_" + operation];

    public static mlx_array[] Call(NativeArena arena, string operation, params object?[] inputs) =>
        Of(operation).Call(arena, inputs, NoArguments);

    /// <summary>A call with arguments in JSON.</summary>
    public static mlx_array Call(NativeArena arena, string operation, object?[] inputs, string arguments)
    {
        using var json = JsonDocument.Parse(arguments);
        return Of(operation).Call(arena, inputs, json.RootElement)[0];
    }

    /// <summary>
    /// Calls the function; answers its arrays. Inputs: one an array or vector parameter (<c>mlx_array</c>, null or
    /// <c>mlx_array[]</c>). Arguments: every other parameter by its C name; what is missing is 0, false or axis 0.
    /// </summary>
    public mlx_array[] Call(NativeArena arena, object?[] inputs, JsonElement arguments)
    {
        var values = new object?[_parameters.Length];
        var results = new List<(nint Place, bool IsVector)>();
        int nextInput = 0;
        for (int i = 0; i < values.Length; i++)
        {
            (string name, string type) = _parameters[i];
            switch (type)
            {
                case "mlx_array *":
                case "mlx_vector_array *":
                    byte* place = arena.Allocate(sizeof(mlx_array));
                    results.Add(((nint)place, type == "mlx_vector_array *"));
                    values[i] = Pointer.Box(place, _method.GetParameters()[i].ParameterType);
                    break;
                case "const mlx_array":
                    values[i] = inputs[nextInput++] ?? default(mlx_array);
                    break;
                case "const mlx_vector_array":
                    values[i] = arena.Vector((mlx_array[])inputs[nextInput++]!);
                    break;
                case "const mlx_stream":
                    values[i] = arena.Stream;
                    break;
                default:
                    values[i] = Argument(arena, name, type, arguments);
                    break;
            }
        }

        object? status = _method.Invoke(
            null, BindingFlags.DoNotWrapExceptions, null, values, CultureInfo.InvariantCulture);
        var arrays = new List<mlx_array>();
        foreach ((nint place, bool isVector) in results)
        {
            if (isVector)
                arena.Keep(*(mlx_vector_array*)place);
            else
                arrays.Add(arena.Keep(*(mlx_array*)place));
        }

        NativeArena.Check((int)status!);
        foreach ((nint place, bool isVector) in results)
        {
            if (isVector)
                arrays.AddRange(arena.Elements(*(mlx_vector_array*)place));
        }

        return [.. arrays];
    }

    private static object Argument(NativeArena arena, string name, string type, JsonElement arguments)
    {
        if (type == "size_t" && name.EndsWith("_num", StringComparison.Ordinal))
        {
            if (!arguments.TryGetProperty(name[..^4], out JsonElement list))
                return (nuint)1;
            return list.ValueKind == JsonValueKind.Null ? (nuint)0 : (nuint)list.GetArrayLength();
        }

        bool isThere = arguments.TryGetProperty(name, out JsonElement value);
        bool isGiven = isThere && value.ValueKind != JsonValueKind.Null;
        if (isThere && !isGiven && type == "const int *")
            return Pointer.Box(null, typeof(int*));
        return type switch
        {
            "const int *" => Pointer.Box(
                arena.Copy<int>(isGiven ? [.. value.EnumerateArray().Select(x => x.GetInt32())] : [0]), typeof(int*)),
            "const int64_t *" => Pointer.Box(
                arena.Copy<long>(isGiven ? [.. value.EnumerateArray().Select(x => x.GetInt64())] : [0]), typeof(long*)),
            "const char *" => Pointer.Box(arena.Text(isGiven ? value.GetString()! : ""), typeof(byte*)),
            "int" => isGiven ? value.GetInt32() : 0,
            "bool" => isGiven && value.GetBoolean(),
            "float" => isGiven ? value.GetSingle() : 0f,
            "double" => isGiven ? value.GetDouble() : 0.0,
            "size_t" => isGiven ? (nuint)value.GetUInt64() : 0,
            "uint64_t" => isGiven ? value.GetUInt64() : 0ul,
            "mlx_dtype" => GoldenTensors.TypeOf(isGiven ? value.GetString()! : "float32"),
            "mlx_fft_norm" => Enum.Parse<mlx_fft_norm>(
                "MLX_FFT_NORM_" + (isGiven ? value.GetString()! : "backward").ToUpperInvariant()),
            "mlx_optional_int" => new mlx_optional_int { has_value = isGiven, value = isGiven ? value.GetInt32() : 0 },
            "mlx_optional_float" => new mlx_optional_float
            {
                has_value = isGiven,
                value = isGiven ? value.GetSingle() : 0,
            },
            "mlx_optional_dtype" => new mlx_optional_dtype
            {
                has_value = isGiven,
                value = GoldenTensors.TypeOf(isGiven ? value.GetString()! : "float32"),
            },
            _ => throw new NotSupportedException($"no argument of the C type {type} ({name})"),
        };
    }

    private static Dictionary<string, CFunction> Load()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "bindings", "mlx-c-fba4470.json");
        using var description = JsonDocument.Parse(File.ReadAllBytes(path));
        var functions = new Dictionary<string, CFunction>(StringComparer.Ordinal);
        foreach (JsonElement function in description.RootElement.GetProperty("functions").EnumerateArray())
        {
            string name = function.GetProperty("name").GetString()!;
            functions.Add(name, new CFunction(name, [.. function.GetProperty("parameters").EnumerateArray()
                .Select(p => (p.GetProperty("name").GetString()!, p.GetProperty("type").GetString()!))]));
        }

        return functions;
    }
}
