using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Every public operation on arrays against a provider on which everything fails. Runs alone: it takes the
/// place of the real one. (CheckedTests does the same below, one C function after the other.)</summary>
[CollectionDefinition(nameof(FaultInjectionTests), DisableParallelization = true)]
[Collection(nameof(FaultInjectionTests))]
public sealed unsafe class FaultInjectionTests : IDisposable
{
    private static readonly Type[] Operations =
        [typeof(MlxArray), typeof(Fast), typeof(Quantized), typeof(MlxRandom), typeof(MlxMemory)];

    // They ask for nothing that can fail, or for more than values.
    private static readonly string[] LeftOut =
    [
        "get_IsDisposed", "Dispose", "ToString", "Equals", "GetHashCode", "GetType", // objects
        "get_Shape", "get_Rank", "get_Size", "get_DType", "get_ByteCount", "Dim", "Describe", // remembered
        "ReadBytes", "CopyBytesTo", "FromMemory", "CopyTo", "From", "FromBytes", // spans and pointers by reference
    ];

    private const nuint ScratchBytes = 4096;    // every pointer argument: zeros to read, room to write

    private readonly MlxTable _table;
    private readonly MlxArray _x = MlxArray.Arange(0, 4, 1, DType.Float32).Reshape(2, 2);
    private readonly MlxArray _indices = MlxArray.From([0, 1]);

    public FaultInjectionTests()
    {
        _ = (_x.Shape, _x.DType, _indices.Shape, _indices.DType, ArrayThread.Current);
        _table = Mlx.Table;
    }

    public static TheoryData<string> Methods() => [.. PublicOperations().Select(m => Signature(m)).Distinct()];

    public void Dispose() => Mlx.Table = _table;

    [Theory]
    [MemberData(nameof(Methods))]
    public void Operation_on_a_failing_provider_is_an_MlxException(string signature)
    {
        MethodInfo method = PublicOperations().First(m => Signature(m) == signature);
        method = method.IsGenericMethodDefinition ? method.MakeGenericMethod(typeof(float)) : method;
        object?[] arguments = [.. method.GetParameters().Select(p => Argument(p.ParameterType))];
        object? target = method.IsStatic ? null : method.Name is "Item" ? _x[0, 0] : _x;
        if (target is MlxArray array)
            _ = (array.Shape, array.DType);
        Fail();
        try
        {
            Exception? e =
                Record.Exception(() => method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null));

            Assert.EndsWith("nothing works here", Assert.IsType<MlxException>(e).Message);
            Assert.Null(MlxError.Take());
        }
        finally
        {
            Mlx.Table = _table;
        }
    }

    [Fact]
    public void Every_C_function_fails_as_an_MlxException()
    {
        void* scratch = NativeMemory.AllocZeroed(ScratchBytes);
        List<string> wrong = [];
        Fail();
        Mlx.Table.mlx_array_free = (delegate* unmanaged[Cdecl]<mlx_array, int>)(delegate* unmanaged[Cdecl]<int>)&Code;
        try
        {
            foreach (string name in Mlx.Names)
            {
                MethodInfo method = typeof(Checked).GetMethod(name)!;
                object?[] arguments = [.. method.GetParameters().Select(p => Scratch(p.ParameterType, scratch))];
                Exception? e = Record.Exception(
                    () => method.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null));
                if (e is not MlxException { Operation: { } operation }
                    || operation != name.TrimStart('_')["mlx_".Length..]
                    || !e.Message.EndsWith("nothing works here", StringComparison.Ordinal)
                    || MlxError.Take() is not null)
                    wrong.Add($"{name}: {e?.Message ?? "no exception"}");
            }
        }
        finally
        {
            Mlx.Table = _table;
            NativeMemory.Free(scratch);
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Operations_that_take_spans_fail_too()
    {
        Fail();

        Assert.Throws<MlxException>(() => MlxArray.From([1f, 2]));
        Assert.Throws<MlxException>(() => _x.Reshape(4));
        Assert.Throws<MlxException>(() => _x.Transpose(1, 0));
        Assert.Throws<MlxException>(() => _x.ExpandDims(0));
        Assert.Throws<MlxException>(() => _x.Squeeze([0]));
        Assert.Throws<MlxException>(() => _x.BroadcastTo(2, 2));
        Assert.Throws<MlxException>(() => _x.Sum([0]));
        Assert.Throws<MlxException>(() => _x.Var([0]));
        Assert.Throws<MlxException>(() => _x.Softmax([0]));
        Assert.Throws<MlxException>(() => _x.Tile(2));
        Assert.Throws<MlxException>(() => _x.Slice([0, 0], [1, 1]));
        Assert.Throws<MlxException>(() => _x.SliceUpdate(_x, [0, 0], [2, 2]));
        Assert.Throws<MlxException>(() => _x.SliceDynamic(_indices, [0], [1, 2]));
        Assert.Throws<MlxException>(() => _x.Split([1]));
        Assert.Throws<MlxException>(() => _x.Pad([0], [1], [1]));
        Assert.Throws<MlxException>(() => _x.Roll([1], [0]));
        Assert.Throws<MlxException>(() => _x.AsStrided([2], [1]));
        Assert.Throws<MlxException>(() => _x.Gather([_indices], [0], [1, 2]));
        Assert.Throws<MlxException>(() => _x.Scatter([_indices], _x, [0]));
        Assert.Throws<MlxException>(() => _x[0]);
        Assert.Throws<MlxException>(() => _x.With(1, 0));
        Assert.Throws<MlxException>(() => MlxArray.Zeros([2]));
        Assert.Throws<MlxException>(() => MlxArray.Concatenate([_x, _x]));
        Assert.Throws<MlxException>(() => MlxArray.Stack([_x, _x]));
        Assert.Throws<MlxException>(() => MlxArray.Eval([_x]));
        Assert.Throws<MlxException>(() => MlxArray.Einsum("ij->ji", _x));
        Assert.Throws<MlxException>(() => MlxRandom.Uniform([2]));
        Assert.Throws<MlxException>(() => MlxRandom.Normal([2]));
        Assert.Throws<MlxException>(() => MlxRandom.Gumbel([2]));
    }

    private static IEnumerable<MethodInfo> PublicOperations() =>
        from type in Operations
        from method in type.GetMethods(
            BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        where !LeftOut.Contains(method.Name)
            && !method.GetParameters().Any(p => p.ParameterType.IsByRefLike || p.ParameterType.IsPointer)
        select method;

    private static string Signature(MethodInfo method) =>
        $"{method.DeclaringType!.Name}.{method.Name}("
        + string.Join(", ", method.GetParameters().Select(p => p.ParameterType.Name)) + ")";

    private object? Argument(Type type) =>
        type == typeof(MlxArray) ? _x
        : type == typeof(Operand) || type == typeof(Operand?) ? (Operand)_x
        : type == typeof(IEnumerable<MlxArray>) ? new[] { _x }
        : type == typeof(string) ? "affine"
        : type == typeof(float?) ? 1f
        : type == typeof(int?) ? 32
        : type == typeof(int) ? 1
        : type == typeof(double) || type == typeof(float) || type == typeof(long) ? Convert.ChangeType(1, type)
        : type.IsValueType && Nullable.GetUnderlyingType(type) is null ? Activator.CreateInstance(type)
        : null;

    private static object? Scratch(Type type, void* scratch) =>
        type.IsPointer ? Pointer.Box(scratch, type)
        : type.IsFunctionPointer ? IntPtr.Zero
        : Activator.CreateInstance(type);

    // No C compiler needed: with every calling convention that .NET runs on, a function may leave its parameters alone.
    private static void Fail()
    {
        MlxTable failing = default;
        Span<nint> slots = MlxTable.Slots(ref failing);
        for (int i = 0; i < slots.Length; i++)
        {
            MethodInfo method = typeof(Mlx).GetMethod(MlxTable.Names[i])!;
            slots[i] = method.ReturnType == typeof(int)
                ? (nint)(delegate* unmanaged[Cdecl]<int>)&Code
                : (nint)(delegate* unmanaged[Cdecl]<nint>)&Nothing;
        }

        failing.mlx_array_free = &Freed;
        Mlx.Table = failing;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Code() => MlxError.Report("nothing works here");

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Nothing()
    {
        MlxError.Report("nothing works here");
        return 0;
    }

    // Handles of the real provider must not be freed meanwhile; a few bytes stay behind.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Freed(mlx_array array) => 0;
}
