using System.Runtime.InteropServices;
using System.Text;
using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Names for arrays, and their graphs as text. An array without a name gets a letter.</summary>
public sealed unsafe class GraphNames : IDisposable
{
    private static readonly Lazy<nint> CLibrary = new(() => NativeLibrary.Load(
        OperatingSystem.IsWindows() ? "ucrtbase" : OperatingSystem.IsMacOS() ? "libSystem" : "libc.so.6"));

    private readonly mlx_node_namer _namer;
    private bool _isDisposed;

    /// <summary>No names yet.</summary>
    public GraphNames()
    {
        RuntimeLoader.EnsureLoaded();
        _namer = Checked.mlx_node_namer_new();
    }

    /// <summary>An array's name.</summary>
    public string this[MlxArray array]
    {
        get
        {
            byte* name = null;
            Checked.mlx_node_namer_get_name(&name, _namer, array.Handle);
            GC.KeepAlive(array);
            return NativeText.Read(name);
        }

        set
        {
            fixed (byte* name = NativeText.Of("name", value))
                Checked.mlx_node_namer_set_name(_namer, array.Handle, name);
            GC.KeepAlive(array);
        }
    }

    /// <summary>Writes the graph of arrays that are not computed yet as a <c>.dot</c> file of Graphviz.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public void ExportToDot(string path, params ReadOnlySpan<MlxArray> outputs) =>
        Write(path, &Checked.mlx_export_to_dot, outputs);

    /// <summary>Writes the graph of arrays that are not computed yet as text, an operation a line.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public void PrintGraph(string path, params ReadOnlySpan<MlxArray> outputs) =>
        Write(path, &Checked.mlx_print_graph, outputs);

    /// <summary>Forgets the names.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Checked.mlx_node_namer_free(_namer);
    }

    // C writes to a C file, which only the C library can open.
    private void Write(
        string path, delegate*<void*, mlx_node_namer, mlx_vector_array, void> write, ReadOnlySpan<MlxArray> outputs)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var open = (delegate* unmanaged[Cdecl]<byte*, byte*, void*>)NativeLibrary.GetExport(CLibrary.Value, "fopen");
        var close = (delegate* unmanaged[Cdecl]<void*, int>)NativeLibrary.GetExport(CLibrary.Value, "fclose");
        using ArrayVector vector = new(outputs);
        void* file;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        fixed (byte* mode = "w\0"u8)
            file = open(name, mode);
        if (file is null)
            throw new IOException($"{path} cannot be written");
        try
        {
            write(file, _namer, vector.Handle);
        }
        finally
        {
            _ = close(file);
        }
    }
}
