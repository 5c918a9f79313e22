using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>How floats lie in memory; kernels compute in float32.</summary>
internal unsafe interface IFloatFormat
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>Elements <paramref name="index"/> and following.</summary>
    static abstract V Load<L, V>(void* from, long index)
        where L : struct, ISimd<V>
        where V : struct;

    static abstract void Store<L, V>(V value, void* to, long index)
        where L : struct, ISimd<V>
        where V : struct;
}

/// <summary>float32.</summary>
internal readonly unsafe struct Float32Format : IFloatFormat
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(void* from, long index)
        where L : struct, ISimd<V>
        where V : struct => L.Load((float*)from + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<L, V>(V value, void* to, long index)
        where L : struct, ISimd<V>
        where V : struct => L.Store(value, (float*)to + index);
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BFloat16Format : IFloatFormat
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(void* from, long index)
        where L : struct, ISimd<V>
        where V : struct => L.LoadBFloat16((ushort*)from + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<L, V>(V value, void* to, long index)
        where L : struct, ISimd<V>
        where V : struct => L.StoreBFloat16(value, (ushort*)to + index);
}

/// <summary>float16.</summary>
internal readonly unsafe struct Float16Format : IFloatFormat
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(void* from, long index)
        where L : struct, ISimd<V>
        where V : struct => L.LoadFloat16((ushort*)from + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<L, V>(V value, void* to, long index)
        where L : struct, ISimd<V>
        where V : struct => L.StoreFloat16(value, (ushort*)to + index);
}
