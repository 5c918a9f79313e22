using System.Diagnostics;
using System.Text;

namespace ElmMlx.Tests;

/// <summary>Runs the built commands as a person does: as processes, which lie beside this assembly's folder.</summary>
internal static class CommandProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>What a command left.</summary>
    public sealed record Result(int ExitCode, string Output, string Errors)
    {
        public override string ToString() => $"exit code {ExitCode}\noutput: {Output}\nerrors: {Errors}";
    }

    /// <summary>Runs <c>elm</c>.</summary>
    public static Result Elm(string input, params string[] arguments) => Run("Elm", "elm.dll", input, arguments);

    /// <summary>Runs <c>mlx-convert</c>.</summary>
    public static Result Convert(params string[] arguments) => Run("Convert", "mlx-convert.dll", "", arguments);

    /// <summary>Runs the differential fuzzer.</summary>
    public static Result Differential(params string[] arguments) =>
        Run("ElmMlx.Differential", "ElmMlx.Differential.dll", "", arguments);

    /// <summary>Runs <c>elm</c> where no file may be longer than a limit; not on Windows.</summary>
    public static Result ElmWithin(int kibibytes, params string[] arguments)
    {
        // .NET's own code pages are a file that is longer, unless they may be written and run at once
        const string line = "ulimit -f $0; trap '' XFSZ; DOTNET_EnableWriteXorExecute=0 exec \"$@\"";
        return Wait(
            StartProcess("bash", ["-c", line, $"{kibibytes}", Host, Locate("Elm", "elm.dll"), .. arguments]), "elm", "",
            arguments);
    }

    /// <summary>Runs <c>elm</c> with a folder for temporary files of its own.</summary>
    public static Result ElmWithTemporary(string folder, params string[] arguments)
    {
        ProcessStartInfo start = StartInfo(Host, [Locate("Elm", "elm.dll"), .. arguments]);
        foreach (string variable in (string[])["TMPDIR", "TMP", "TEMP"])
            start.Environment[variable] = folder;
        return Wait(Process.Start(start)!, "elm", "", arguments);
    }

    /// <summary>Runs <c>elm</c> on the CPU provider, on the first processor alone; on Linux.</summary>
    public static Result ElmOnOneProcessor(params string[] arguments)
    {
        string[] command =
            ["-c", "0", "env", "-u", "ELMMLX_THREADS", "ELMMLX_PROVIDER=cpu", Host, Locate("Elm", "elm.dll")];
        return Wait(StartProcess("taskset", [.. command, .. arguments]), "elm", "", arguments);
    }

    /// <summary>Starts <c>elm</c>, for what cannot wait until it has ended.</summary>
    public static Process StartElm(params string[] arguments) => Start("Elm", "elm.dll", arguments);

    private static string Host => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    private static Result Run(string project, string file, string input, string[] arguments) =>
        Wait(Start(project, file, arguments), file, input, arguments);

    private static Result Wait(Process started, string file, string input, string[] arguments)
    {
        using Process process = started;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            throw new TimeoutException($"{file} {string.Join(' ', arguments)} still runs after {Patience}.");
        }

        return new Result(
            process.ExitCode, output.Result.ReplaceLineEndings("\n"), errors.Result.ReplaceLineEndings("\n"));
    }

    private static Process Start(string project, string file, string[] arguments) =>
        StartProcess(Host, [Locate(project, file), .. arguments]);

    private static Process StartProcess(string program, string[] arguments) =>
        Process.Start(StartInfo(program, arguments))!;

    private static ProcessStartInfo StartInfo(string program, string[] arguments)
    {
        UTF8Encoding utf8 = new(encoderShouldEmitUTF8Identifier: false);
        return new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = utf8,
            StandardOutputEncoding = utf8,
            StandardErrorEncoding = utf8,
        };
    }

    // …/bin/ElmMlx.Tests/release/ beside …/bin/Elm/release/
    private static string Locate(string project, string file)
    {
        DirectoryInfo own = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string path = Path.Combine(own.Parent!.Parent!.FullName, project, own.Name, file);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"{path} was not built: build the solution first.");
    }
}
