using System.Diagnostics;
using System.Text.Json;

namespace ElmMlx.Differential;

/// <summary>libmlxc in a process of its own: some programs end it, hang in it or fill the memory.</summary>
internal sealed class OtherProvider : IDisposable
{
    private const long MostBytes = 4L << 30;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60), Pause = TimeSpan.FromMilliseconds(100);

    private Process _process = Start();

    /// <exception cref="InvalidOperationException">There is no libmlxc.</exception>
    public OtherProvider()
    {
        if (Run(new FuzzProgram([], [], "none")).Death is { } death)
            throw new InvalidOperationException($"libmlxc does not answer ({death}): set ELMMLX_MLXC to its path.");
    }

    /// <summary>The program's outcome; where the process ended, how, and the next program gets another.</summary>
    public Outcome Run(FuzzProgram program)
    {
        string? line = null, death = null;
        try
        {
            _process.StandardInput.WriteLine(program.ToJson());
            _process.StandardInput.Flush();
            Task<string?> answer = _process.StandardOutput.ReadLineAsync();
            death = Overrun(answer);
            line = death is null ? answer.GetAwaiter().GetResult() : null;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // it has ended
        }

        if (line is not null)
            return JsonSerializer.Deserialize<Outcome>(line)!;
        _process.Kill();        // if it goes on
        _process.WaitForExit();
        death ??= $"exit code {_process.ExitCode}";
        _process.Dispose();
        _process = Start();
        return new Outcome([], [], death);
    }

    /// <summary>Goes on in a new process.</summary>
    public void Renew()
    {
        Dispose();
        _process = Start();
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(Limit))
            _process.Kill();
        _process.Dispose();
    }

    // Waits for the answer; what the process took too much of, if it did
    private string? Overrun(Task answer)
    {
        for (int nPauses = 1; !answer.Wait(Pause); nPauses++)      // counted, since both processes may be stopped
        {
            _process.Refresh();
            if (nPauses * Pause > Limit)
                return $"no answer in {Limit.TotalSeconds} s";
            if (_process.WorkingSet64 > MostBytes)
                return $"more than {MostBytes >> 30} GiB";
        }

        return null;
    }

    private static Process Start()
    {
        string program = Environment.ProcessPath!;
        bool isHost = Path.GetFileName(program).StartsWith("dotnet", StringComparison.Ordinal);
        var start = new ProcessStartInfo(
            program, isHost ? [typeof(OtherProvider).Assembly.Location, "serve"] : ["serve"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["ELMMLX_PROVIDER"] = "mlx";
        return Process.Start(start)!;
    }
}
