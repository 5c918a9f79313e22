using System.Runtime.InteropServices;
using System.Text.Json;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>A tensor of the golden data, as bytes.</summary>
internal sealed record GoldenTensor(mlx_dtype Type, int[] Shape, ReadOnlyMemory<byte> Bytes);

/// <summary>The tensors of safetensors files by key, read without the library under test.</summary>
internal sealed class GoldenTensors
{
    private static readonly Dictionary<string, mlx_dtype> Types = new(StringComparer.Ordinal)
    {
        ["BOOL"] = mlx_dtype.MLX_BOOL,
        ["U8"] = mlx_dtype.MLX_UINT8,
        ["U16"] = mlx_dtype.MLX_UINT16,
        ["U32"] = mlx_dtype.MLX_UINT32,
        ["U64"] = mlx_dtype.MLX_UINT64,
        ["I8"] = mlx_dtype.MLX_INT8,
        ["I16"] = mlx_dtype.MLX_INT16,
        ["I32"] = mlx_dtype.MLX_INT32,
        ["I64"] = mlx_dtype.MLX_INT64,
        ["F16"] = mlx_dtype.MLX_FLOAT16,
        ["F32"] = mlx_dtype.MLX_FLOAT32,
        ["F64"] = mlx_dtype.MLX_FLOAT64,
        ["BF16"] = mlx_dtype.MLX_BFLOAT16,
        ["C64"] = mlx_dtype.MLX_COMPLEX64,
    };

    private readonly Dictionary<string, GoldenTensor> _tensors = new(StringComparer.Ordinal);

    public GoldenTensors(IEnumerable<string> files)
    {
        foreach (string file in files)
            Read(File.ReadAllBytes(file));
    }

    public GoldenTensor this[string key] => _tensors[key];

    /// <summary>The golden data's name of a dtype.</summary>
    public static mlx_dtype TypeOf(string name) => Enum.Parse<mlx_dtype>("MLX_" + name.ToUpperInvariant());

    private void Read(byte[] file)
    {
        int headerLength = checked((int)MemoryMarshal.Read<ulong>(file));
        int data = 8 + headerLength;
        using var header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        foreach (JsonProperty entry in header.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
                continue;
            int[] place =
                [.. entry.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt32())];
            _tensors.Add(entry.Name, new GoldenTensor(
                Types[entry.Value.GetProperty("dtype").GetString()!],
                [.. entry.Value.GetProperty("shape").EnumerateArray().Select(length => length.GetInt32())],
                file.AsMemory(data + place[0], place[1] - place[0])));
        }
    }
}
