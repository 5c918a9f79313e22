using Xunit;

namespace ElmMlx.Tests;

/// <summary>A test that compiles a C library first, skipped where there is no C compiler.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CompilerFactAttribute : FactAttribute
{
    public CompilerFactAttribute()
    {
        if (StubLibrary.Compiler is null)
            Skip = "needs a C compiler (cc, gcc or clang)";
    }
}
