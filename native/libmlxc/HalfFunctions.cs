using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using Interface = ElmMlx.Cpu.Guarded<ElmMlx.Cpu.Cpu>;

namespace ElmMlx.Native;

/// <summary>What C programs get whose compiler has <c>__fp16</c> and <c>__bf16</c>: 16 bits each.</summary>
internal static unsafe class HalfFunctions
{
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)], EntryPoint = "mlx_array_item_float16")]
    internal static int ItemFloat16(ushort* res, mlx_array arr) =>
        Item(res, arr, value => BitConverter.HalfToUInt16Bits((Half)value));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)], EntryPoint = "mlx_array_item_bfloat16")]
    internal static int ItemBFloat16(ushort* res, mlx_array arr) => Item(res, arr, HalfPrecision.ToBFloat16);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)], EntryPoint = "mlx_array_data_float16")]
    internal static ushort* DataFloat16(mlx_array arr) => Interface.mlx_array_data_uint16(arr);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)], EntryPoint = "mlx_array_data_bfloat16")]
    internal static ushort* DataBFloat16(mlx_array arr) => Interface.mlx_array_data_uint16(arr);

    private static int Item(ushort* res, mlx_array arr, Func<float, ushort> toBits)
    {
        float value = 0;
        int failed = Interface.mlx_array_item_float32(res is null ? null : &value, arr);    // which refuses null
        if (failed == 0)
            *res = toBits(value);
        return failed;
    }
}
