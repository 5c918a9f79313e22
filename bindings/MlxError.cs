using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ElmMlx.Bindings;

/// <summary>The error door: what a C function reports before it answers non-zero or an empty handle.</summary>
/// <remarks>mlx-c's own handler prints and ends the process, so ours is installed before any other call. A handler
/// runs on the thread of the failing call; the text waits in that thread's slot until <see cref="Take"/>.</remarks>
public static unsafe class MlxError
{
    [ThreadStatic]
    private static string? t_text;

    /// <summary>Makes the provider in <see cref="Mlx"/> report here.</summary>
    public static void Install() => Mlx.mlx_set_error_handler(&Handle, null, null);

    /// <summary>The text of this thread's last failure, once; null when nothing was reported.</summary>
    /// <remarks>The place in mlx-c's sources (<c> at …/ops.cpp:12</c>) is cut off.</remarks>
    public static string? Take()
    {
        var text = t_text;
        t_text = null;
        return text;
    }

    /// <summary>The handler, for a table that is not <see cref="Mlx"/>'s.</summary>
    internal static delegate* unmanaged[Cdecl]<byte*, void*, void> Handler => &Handle;

    /// <summary>Reports a failure of our own making, as a C function would.</summary>
    internal static int Report(string text)
    {
        t_text = text;
        return 1;
    }

    internal static int Missing(string function, string since) =>
        Report($"{function} is not in the mlx-c that was loaded: it came with {since}; install that or a newer one");

    internal static T Missing<T>(string function, string since)
        where T : unmanaged
    {
        Missing(function, since);
        return default;
    }

    internal static int NoParameter(string function, string parameter, string version) =>
        Report($"{function} of mlx-c {version} has no {parameter}: leave it empty, or install a newer mlx-c");

    internal static T NoParameter<T>(string function, string parameter, string version)
        where T : unmanaged
    {
        NoParameter(function, parameter, version);
        return default;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Handle(byte* message, void* data)
    {
        try
        {
            t_text = WithoutPlace(Marshal.PtrToStringUTF8((nint)message) ?? "");
        }
        catch (OutOfMemoryException)
        {
            t_text = "out of memory while reporting an error"; // nothing may unwind into C
        }
    }

    // mlx-c appends " at FILE:LINE".
    private static string WithoutPlace(string text)
    {
        var at = text.LastIndexOf(" at ", StringComparison.Ordinal);
        var colon = text.LastIndexOf(':');
        return at > 0 && colon > at && colon + 1 < text.Length
            && text.AsSpan(colon + 1).IndexOfAnyExceptInRange('0', '9') < 0
            && text.AsSpan(at + 4, colon - at - 4).EndsWith(".cpp", StringComparison.Ordinal)
            ? text[..at]
            : text;
    }
}
