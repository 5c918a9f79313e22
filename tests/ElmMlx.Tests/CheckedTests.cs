using System.Reflection;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Runs alone: it puts a provider that always fails in the place of the real one.</summary>
[CollectionDefinition(nameof(CheckedTests), DisableParallelization = true)]
[Collection(nameof(CheckedTests))]
public sealed unsafe class CheckedTests : IDisposable
{
    private const nuint ScratchBytes = 4096; // every pointer argument: zeros to read, room to write

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-checked-").FullName;
    private readonly MlxTable _table = Mlx.Table;
    private readonly void* _scratch = NativeMemory.AllocZeroed(ScratchBytes);

    public void Dispose()
    {
        Mlx.Table = _table;
        NativeMemory.Free(_scratch);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Every_C_function_has_its_checked_method() =>
        Assert.Equal(
            Mlx.Names.Order(StringComparer.Ordinal), Methods().Select(m => m.Name).Order(StringComparer.Ordinal));

    [CompilerFact]
    public void Every_checked_method_turns_a_failure_into_an_MlxException()
    {
        MlxLibrary.Load(
            StubLibrary.Compile(_folder, StubLibrary.Interface("fba4470"), fails: true),
            MlxLibraryOrigin.Named, ref Mlx.Table, isUnchecked: true);

        foreach (var method in Methods())
        {
            object[] arguments = [.. method.GetParameters().Select(p => Argument(p.ParameterType))];

            var error = Assert.Throws<MlxException>(
                () => method.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null));

            Assert.Equal(method.Name.TrimStart('_')["mlx_".Length..], error.Operation);
            Assert.EndsWith("stub says no", error.Message);
            Assert.Null(MlxError.Take());
        }
    }

    private static MethodInfo[] Methods() =>
        typeof(Checked).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly);

    private object Argument(Type type) =>
        type.IsPointer ? Pointer.Box(_scratch, type)
        : type.IsFunctionPointer ? IntPtr.Zero
        : Activator.CreateInstance(type)!;
}
