using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>The allow-list: every name that a checkpoint may mention. There is no other, and no fallback.</summary>
internal static class PickleGlobals
{
    private static readonly Dictionary<(string Module, string Name), PickleGlobal> Allowed = Build();

    public static bool TryGet(string module, string name, out PickleGlobal? value) =>
        Allowed.TryGetValue((module, name), out value);

    private static Dictionary<(string, string), PickleGlobal> Build()
    {
        var all = new Dictionary<(string, string), PickleGlobal>();
        Add("collections", "OrderedDict", PickleGlobalKind.OrderedDict);
        Add("torch._utils", "_rebuild_tensor_v2", PickleGlobalKind.RebuildTensor2);
        Add("torch._utils", "_rebuild_tensor_v3", PickleGlobalKind.RebuildTensor3);
        Add("torch._utils", "_rebuild_parameter", PickleGlobalKind.RebuildParameter);
        Add("torch", "Size", PickleGlobalKind.Size);
        Add("torch", "device", PickleGlobalKind.Device);
        Add("torch.storage", "UntypedStorage", PickleGlobalKind.Storage);
        (string Storage, string DType, TensorType Type)[] types =
        [
            ("DoubleStorage", "float64", TensorType.Float64), ("FloatStorage", "float32", TensorType.Float32),
            ("HalfStorage", "float16", TensorType.Float16), ("BFloat16Storage", "bfloat16", TensorType.BFloat16),
            ("LongStorage", "int64", TensorType.Int64), ("IntStorage", "int32", TensorType.Int32),
            ("ShortStorage", "int16", TensorType.Int16), ("CharStorage", "int8", TensorType.Int8),
            ("ByteStorage", "uint8", TensorType.UInt8), ("BoolStorage", "bool", TensorType.Bool),
            ("ComplexFloatStorage", "complex64", TensorType.Complex64),
            ("", "uint16", TensorType.UInt16), ("", "uint32", TensorType.UInt32), ("", "uint64", TensorType.UInt64),
            ("", "float8_e5m2", TensorType.Float8E5M2), ("", "float8_e4m3fn", TensorType.Float8E4M3),
        ];
        foreach ((string storage, string dtype, TensorType type) in types)
        {
            if (storage.Length > 0)
                Add("torch", storage, PickleGlobalKind.Storage, type);
            Add("torch", dtype, PickleGlobalKind.DType, type);
        }
        return all;

        void Add(string module, string name, PickleGlobalKind kind, TensorType? type = null) =>
            all.Add((module, name), new PickleGlobal(kind, type, module + "." + name));
    }
}
