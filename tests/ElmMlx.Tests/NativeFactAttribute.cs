using Xunit;

namespace ElmMlx.Tests;

/// <summary>A test of the C library that <c>./build.sh native</c> leaves, skipped where it was not built, or where
/// there is no C compiler.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NativeFactAttribute : FactAttribute
{
    public NativeFactAttribute()
    {
        if (!File.Exists(CProgram.Library))
            Skip = "needs the C library: ./build.sh native";
        else if (StubLibrary.Compiler is null)
            Skip = "needs a C compiler (cc, gcc or clang)";
    }
}
