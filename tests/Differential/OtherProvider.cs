using System.Diagnostics;
using System.Text.Json;

namespace ElmMlx.Differential;

/// <summary>libmlxc in a process of its own, since some programs end it.</summary>
internal sealed class OtherProvider : IDisposable
{
    private Process _process = Start();

    public Outcome Run(FuzzProgram program)
    {
        try
        {
            _process.StandardInput.WriteLine(program.ToJson());
            _process.StandardInput.Flush();
            if (_process.StandardOutput.ReadLine() is { } line)
                return JsonSerializer.Deserialize<Outcome>(line)!;
        }
        catch (IOException)
        {
            // it has ended
        }

        _process.WaitForExit();
        string death = $"exit code {_process.ExitCode}";
        _process.Dispose();
        _process = Start();
        return new Outcome([], [], death);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static Process Start()
    {
        var start = new ProcessStartInfo(
            Environment.ProcessPath!, Path.GetFileName(Environment.ProcessPath!).StartsWith("dotnet", StringComparison.Ordinal)
                ? [typeof(OtherProvider).Assembly.Location, "serve"]
                : ["serve"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["ELMMLX_PROVIDER"] = "mlx";
        return Process.Start(start)!;
    }
}
