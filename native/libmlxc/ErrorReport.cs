using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Cpu;

namespace ElmMlx.Native;

/// <summary>Where errors go that a C program reports itself, through <c>mlx_error.c</c>.</summary>
internal static unsafe class ErrorReport
{
    /// <summary>Gives a message to the error handler.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)], EntryPoint = "elmmlx_report_error")]
    internal static void Report(byte* message) => Guard.Report(message);
}
