using System.Diagnostics;
using ElmMlx.Bindings;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>C programs that are linked to the CPU provider's C library, compiled and run.</summary>
internal static class CProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>The library that <c>./build.sh native</c> leaves.</summary>
    public static string Library { get; } = Repository.At(Path.Combine("artifacts", "native", MlxLibrary.FileName));

    /// <summary>Compiles a program into <paramref name="folder"/> and returns its path.</summary>
    public static string Compile(string folder, string source)
    {
        string program = Path.Combine(folder, Path.GetFileNameWithoutExtension(source));
        (int code, string text) = Run(
            StubLibrary.Compiler!, "-Wall", "-Wextra", "-Werror", "-Wno-unused", source, "-o", program, Library,
            "-Wl,-rpath," + Path.GetDirectoryName(Library));
        Assert.True(code == 0, text);
        return program;
    }

    /// <summary>Runs a program; answers its exit code and what it printed, errors last.</summary>
    public static (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"{program} has not ended after {Patience}");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult());
    }
}
