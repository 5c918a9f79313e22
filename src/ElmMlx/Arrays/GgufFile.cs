using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>The arrays and facts of a GGUF file. MLX reads them only where it was built to.</summary>
public sealed unsafe class GgufFile : IDisposable
{
    private readonly mlx_io_gguf _handle;
    private bool _isDisposed;

    /// <summary>Nothing yet: arrays and facts are set, then <see cref="Save"/> writes them.</summary>
    public GgufFile()
    {
        RuntimeLoader.EnsureLoaded();
        _handle = Checked.mlx_io_gguf_new();
    }

    private GgufFile(mlx_io_gguf handle) => _handle = handle;

    /// <summary>The arrays' names.</summary>
    public string[] Names
    {
        get
        {
            mlx_vector_string names = Checked.mlx_vector_string_new();
            Checked.mlx_io_gguf_get_keys(&names, Handle);
            return NativeText.Take(names);
        }
    }

    private mlx_io_gguf Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _handle;
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="MlxException">There is no such file, or it is broken.</exception>
    public static GgufFile Load(string path)
    {
        RuntimeLoader.EnsureLoaded();
        mlx_io_gguf handle = default;
        mlx_stream stream = MlxStream.CpuHandle;
        fixed (byte* file = NativeText.Of("path", path))
            Checked.mlx_load_gguf(&handle, file, stream);
        return new GgufFile(handle);
    }

    /// <summary>Writes a file.</summary>
    /// <exception cref="MlxException">The file cannot be written.</exception>
    public void Save(string path)
    {
        fixed (byte* file = NativeText.Of("path", path))
            Checked.mlx_save_gguf(file, Handle);
    }

    /// <summary>An array by its name; null where there is none.</summary>
    public MlxArray? Array(string name)
    {
        mlx_array array = default;
        fixed (byte* key = NativeText.Of("name", name))
            return Checked.mlx_io_gguf_get_array(&array, Handle, key) ? MlxArray.Adopt(array) : null;
    }

    /// <summary>Sets an array.</summary>
    public void SetArray(string name, MlxArray array)
    {
        fixed (byte* key = NativeText.Of("name", name))
            Checked.mlx_io_gguf_set_array(Handle, key, array.Handle);
        GC.KeepAlive(array);
    }

    /// <summary>Numbers by their key, a scalar or a vector; null where there are none.</summary>
    public MlxArray? Numbers(string key)
    {
        bool isThere = false;
        mlx_array array = default;
        fixed (byte* name = NativeText.Of("key", key))
        {
            return Checked.mlx_io_gguf_has_metadata_array(&isThere, Handle, name) && isThere
                && Checked.mlx_io_gguf_get_metadata_array(&array, Handle, name)
                ? MlxArray.Adopt(array)
                : null;
        }
    }

    /// <summary>Sets numbers.</summary>
    public void SetNumbers(string key, MlxArray numbers)
    {
        fixed (byte* name = NativeText.Of("key", key))
            Checked.mlx_io_gguf_set_metadata_array(Handle, name, numbers.Handle);
        GC.KeepAlive(numbers);
    }

    /// <summary>A text by its key; null where there is none.</summary>
    public string? Text(string key)
    {
        bool isThere = false;
        fixed (byte* name = NativeText.Of("key", key))
        {
            if (!Checked.mlx_io_gguf_has_metadata_string(&isThere, Handle, name) || !isThere)
                return null;
            mlx_string text = Checked.mlx_string_new();
            Checked.mlx_io_gguf_get_metadata_string(&text, Handle, name);
            return NativeText.Take(text);
        }
    }

    /// <summary>Sets a text.</summary>
    public void SetText(string key, string text)
    {
        fixed (byte* name = NativeText.Of("key", key))
        fixed (byte* value = NativeText.Of("text", text))
            Checked.mlx_io_gguf_set_metadata_string(Handle, name, value);
    }

    /// <summary>A list of texts by its key; null where there is none.</summary>
    public string[]? Texts(string key)
    {
        bool isThere = false;
        fixed (byte* name = NativeText.Of("key", key))
        {
            if (!Checked.mlx_io_gguf_has_metadata_vector_string(&isThere, Handle, name) || !isThere)
                return null;
            mlx_vector_string texts = Checked.mlx_vector_string_new();
            Checked.mlx_io_gguf_get_metadata_vector_string(&texts, Handle, name);
            return NativeText.Take(texts);
        }
    }

    /// <summary>Sets a list of texts.</summary>
    public void SetTexts(string key, IEnumerable<string> texts)
    {
        mlx_vector_string list = NativeText.List("text", texts);
        fixed (byte* name = NativeText.Of("key", key))
            Checked.mlx_io_gguf_set_metadata_vector_string(Handle, name, list);
        Checked.mlx_vector_string_free(list);
    }

    /// <summary>Frees what was read or set.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Checked.mlx_io_gguf_free(_handle);
    }
}
