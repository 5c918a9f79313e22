using System.Runtime.InteropServices;

namespace ElmMlx.Bindings;

/// <summary>The file that a loaded library came from, where the system can say (<c>dladdr</c>).</summary>
internal static unsafe class NativePath
{
    /// <summary>The file of <paramref name="library"/>, which exports <paramref name="symbol"/>; null when the system
    /// cannot say.</summary>
    public static string? Of(nint library, string symbol)
    {
        if (OperatingSystem.IsWindows()
            || !NativeLibrary.TryGetExport(library, symbol, out var address)
            || !NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "dladdr", out var function))
            return null;
        Info info;
        return ((delegate* unmanaged[Cdecl]<nint, Info*, int>)function)(address, &info) != 0
            ? Marshal.PtrToStringUTF8((nint)info.FileName)
            : null;
    }

    // Dl_info
    private struct Info
    {
        public byte* FileName;
        public void* Base;
        public byte* SymbolName;
        public void* SymbolAddress;
    }
}
