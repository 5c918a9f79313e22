using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Arrays in files, read and written by MLX: <c>.npy</c>, safetensors and GGUF.</summary>
/// <remarks>
/// For files of one's own. Model folders and files from strangers are read by ElmMlx.Weights, which looks at all of a
/// header before it takes anything for true.
/// </remarks>
public static unsafe partial class MlxFile
{
    /// <summary>The array of a <c>.npy</c> file, of the file's shape and dtype.</summary>
    /// <exception cref="MlxException">There is no such file, or it is broken.</exception>
    public static MlxArray Load(string path)
    {
        mlx_stream stream = CpuStream;
        fixed (byte* file = NativeText.Of("path", path))
            return MlxArray.Adopt(Checked.mlx_load(file, stream));
    }

    /// <summary>The array of a stream with a <c>.npy</c> file in it; it is read before this returns.</summary>
    /// <param name="source">It can be read and sought, and stays open.</param>
    /// <exception cref="MlxException">It is broken.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static MlxArray Load(Stream source)
    {
        (mlx_io_reader reader, StreamIo io) = StreamIo.Reader(source);
        try
        {
            MlxArray array = MlxArray.Adopt(Checked.mlx_load_reader(reader, CpuStream));
            array.Eval();
            io.Check();
            return array;
        }
        finally
        {
            Checked.mlx_io_reader_free(reader);
        }
    }

    /// <summary>Writes an array as a <c>.npy</c> file.</summary>
    /// <exception cref="MlxException">The file cannot be written.</exception>
    public static void Save(string path, MlxArray array)
    {
        fixed (byte* file = NativeText.Of("path", path))
            Checked.mlx_save(file, array.Handle);
        GC.KeepAlive(array);
    }

    /// <summary>Writes an array as a <c>.npy</c> file to a stream.</summary>
    /// <param name="destination">It can be written and sought, and stays open.</param>
    /// <param name="array">Of any shape and dtype.</param>
    /// <exception cref="IOException">The stream failed.</exception>
    public static void Save(Stream destination, MlxArray array)
    {
        (mlx_io_writer writer, StreamIo io) = StreamIo.Writer(destination);
        try
        {
            Checked.mlx_save_writer(writer, array.Handle);
            GC.KeepAlive(array);
            io.Check();
        }
        finally
        {
            Checked.mlx_io_writer_free(writer);
        }
    }

    /// <summary>The arrays of a safetensors file by their names, and its metadata.</summary>
    /// <exception cref="MlxException">There is no such file, or it is broken.</exception>
    public static (Dictionary<string, MlxArray> Arrays, Dictionary<string, string> Metadata) LoadSafetensors(
        string path)
    {
        mlx_map_string_to_array arrays = default;
        mlx_map_string_to_string metadata = default;
        mlx_stream stream = CpuStream;
        fixed (byte* file = NativeText.Of("path", path))
            Checked.mlx_load_safetensors(&arrays, &metadata, file, stream);
        return (NativeMap.Take(arrays), NativeMap.Take(metadata));
    }

    /// <summary>The arrays of a stream with a safetensors file in it; they are read before this returns.</summary>
    /// <param name="source">It can be read and sought, and stays open.</param>
    /// <exception cref="MlxException">It is broken.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static (Dictionary<string, MlxArray> Arrays, Dictionary<string, string> Metadata) LoadSafetensors(
        Stream source)
    {
        (mlx_io_reader reader, StreamIo io) = StreamIo.Reader(source);
        try
        {
            mlx_map_string_to_array arrays = default;
            mlx_map_string_to_string metadata = default;
            Checked.mlx_load_safetensors_reader(&arrays, &metadata, reader, CpuStream);
            (Dictionary<string, MlxArray> Arrays, Dictionary<string, string>) loaded =
                (NativeMap.Take(arrays), NativeMap.Take(metadata));
            MlxArray.Eval(loaded.Arrays.Values);
            io.Check();
            return loaded;
        }
        finally
        {
            Checked.mlx_io_reader_free(reader);
        }
    }

    /// <summary>Writes arrays as a safetensors file.</summary>
    /// <exception cref="MlxException">The file cannot be written.</exception>
    public static void SaveSafetensors(
        string path, IReadOnlyDictionary<string, MlxArray> arrays, IReadOnlyDictionary<string, string>? metadata = null)
    {
        mlx_map_string_to_array map = NativeMap.Of(arrays);
        mlx_map_string_to_string texts = NativeMap.Of(metadata);
        try
        {
            fixed (byte* file = NativeText.Of("path", path))
                Checked.mlx_save_safetensors(file, map, texts);
        }
        finally
        {
            Checked.mlx_map_string_to_array_free(map);
            Checked.mlx_map_string_to_string_free(texts);
        }
    }

    /// <summary>Writes arrays as a safetensors file to a stream.</summary>
    /// <exception cref="IOException">The stream failed.</exception>
    public static void SaveSafetensors(
        Stream destination, IReadOnlyDictionary<string, MlxArray> arrays,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        (mlx_io_writer writer, StreamIo io) = StreamIo.Writer(destination);
        mlx_map_string_to_array map = NativeMap.Of(arrays);
        mlx_map_string_to_string texts = NativeMap.Of(metadata);
        try
        {
            Checked.mlx_save_safetensors_writer(writer, map, texts);
            io.Check();
        }
        finally
        {
            Checked.mlx_map_string_to_array_free(map);
            Checked.mlx_map_string_to_string_free(texts);
            Checked.mlx_io_writer_free(writer);
        }
    }

    // Files are read on the CPU only.
    private static mlx_stream CpuStream
    {
        get
        {
            RuntimeLoader.EnsureLoaded();
            return MlxStream.CpuHandle;
        }
    }
}
