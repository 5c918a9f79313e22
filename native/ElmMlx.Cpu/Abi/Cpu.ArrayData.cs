using System.Numerics;
using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_array_item_bool(bool* res, mlx_array arr)
    {
        Node node = Single(arr);
        *res = node.Type.IsInexact()
            ? ItemReader.ToDouble(node.Data, node.Type) != 0
            : ItemReader.ToInt64(node.Data, node.Type) != 0;
        return 0;
    }

    public static int mlx_array_item_uint8(byte* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_uint16(ushort* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_uint32(uint* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_uint64(ulong* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_int8(sbyte* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_int16(short* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_int32(int* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_int64(long* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_float32(float* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_float64(double* res, mlx_array arr) => Item(res, arr);

    public static int mlx_array_item_complex64(mlx_complex64_t* res, mlx_array arr)
    {
        Node node = Single(arr);
        res->real = (float)ItemReader.ToDouble(node.Data, node.Type);
        res->imag = node.Type == MLX_COMPLEX64 ? ((float*)node.Data)[1] : 0;
        return 0;
    }

    public static bool* mlx_array_data_bool(mlx_array arr) => (bool*)Data(arr);

    public static byte* mlx_array_data_uint8(mlx_array arr) => (byte*)Data(arr);

    public static ushort* mlx_array_data_uint16(mlx_array arr) => (ushort*)Data(arr);

    public static uint* mlx_array_data_uint32(mlx_array arr) => (uint*)Data(arr);

    public static ulong* mlx_array_data_uint64(mlx_array arr) => (ulong*)Data(arr);

    public static sbyte* mlx_array_data_int8(mlx_array arr) => (sbyte*)Data(arr);

    public static short* mlx_array_data_int16(mlx_array arr) => (short*)Data(arr);

    public static int* mlx_array_data_int32(mlx_array arr) => (int*)Data(arr);

    public static long* mlx_array_data_int64(mlx_array arr) => (long*)Data(arr);

    public static float* mlx_array_data_float32(mlx_array arr) => (float*)Data(arr);

    public static double* mlx_array_data_float64(mlx_array arr) => (double*)Data(arr);

    public static mlx_complex64_t* mlx_array_data_complex64(mlx_array arr) => (mlx_complex64_t*)Data(arr);

    // As in mlx-c, the dtype asked for is not checked and strides are not looked at.
    private static void* Data(mlx_array arr) => Evaluated(arr).Data;

    private static Node Single(mlx_array arr)
    {
        Node node = Handles.Node(arr);
        if (node.Size != 1)
            throw new ArgumentException($"[item] can only be called on arrays of size 1, not on {node}.");
        Evaluator.Evaluate(node);
        return node;
    }

    private static int Item<T>(T* result, mlx_array arr)
        where T : unmanaged, INumber<T>
    {
        Node node = Single(arr);
        if (node.Type.IsInexact())
            *result = T.CreateSaturating(ItemReader.ToDouble(node.Data, node.Type));
        else if (node.Type == MLX_UINT64)
            *result = T.CreateTruncating(*(ulong*)node.Data);
        else
            *result = T.CreateTruncating(ItemReader.ToInt64(node.Data, node.Type));
        return 0;
    }
}
