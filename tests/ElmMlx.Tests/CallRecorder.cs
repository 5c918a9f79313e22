using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ElmMlx.Bindings;
using Xunit.Sdk;

[assembly: ElmMlx.Tests.CallRecorderAttribute]

namespace ElmMlx.Tests;

/// <summary>
/// Which test class calls which C function, for docs/coverage.md: where <c>ELMMLX_CALLS</c> names a file, every
/// function of the table notes its calls, and the file is written after each test that made a new one: a test host may
/// be ended before it can say goodbye.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class CallRecorderAttribute : BeforeAfterTestAttribute
{
    public override void Before(MethodInfo methodUnderTest) =>
        CallRecorder.Class.Value = methodUnderTest.ReflectedType!.Name;

    public override void After(MethodInfo methodUnderTest)
    {
        CallRecorder.Class.Value = null;
        CallRecorder.Save();
    }
}

/// <inheritdoc cref="CallRecorderAttribute"/>
internal static class CallRecorder
{
    private static readonly ConcurrentDictionary<(int Function, string Class), bool> Calls = new();
    private static readonly Lock Writing = new();
    private static string? s_path;
    private static int s_nWritten;

    /// <summary>The test class that runs here; threads that a test starts have it too.</summary>
    public static AsyncLocal<string?> Class { get; } = new();

    /// <summary>Notes a call of a function by its place in the table.</summary>
    public static void Note(int function)
    {
        if (Class.Value is { } name)
            Calls.TryAdd((function, name), true);
    }

#pragma warning disable CA2255 // before any test touches the table
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Start()
    {
        if (Environment.GetEnvironmentVariable("ELMMLX_CALLS") is not { Length: > 0 } path)
            return;
        RuntimeLoader.EnsureLoaded();
        RecordedTable.Real = Mlx.Table;
        Mlx.Fill(RecordedTable.Address);
        s_path = path;
    }

    /// <summary>Writes the file anew if there is anything new.</summary>
    public static void Save()
    {
        if (s_path is null || Calls.Count == s_nWritten)
            return;
        lock (Writing)
        {
            (int Function, string Class)[] calls = [.. Calls.Keys];
            Write(s_path, calls);
            s_nWritten = calls.Length;
        }
    }

    // A function a line, in the table's order; classes by name.
    private static void Write(string path, (int Function, string Class)[] all)
    {
        IEnumerable<string> lines =
            from call in all
            group call.Class by call.Function into calls
            orderby calls.Key
            let names = calls.Order(StringComparer.Ordinal).Select(name => JsonSerializer.Serialize(name))
            let classes = string.Join(", ", names)
            select $"  \"{Mlx.Names[calls.Key]}\": [{classes}]";
        File.WriteAllText(path, $"{{\n{string.Join(",\n", lines)}\n}}\n");
    }
}
