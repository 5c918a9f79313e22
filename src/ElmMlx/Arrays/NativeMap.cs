using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Dictionaries as C takes and gives them.</summary>
internal static unsafe class NativeMap
{
    /// <summary>A native dictionary of arrays, which the caller frees.</summary>
    public static mlx_map_string_to_array Of(IEnumerable<KeyValuePair<string, MlxArray>>? arrays)
    {
        RuntimeLoader.EnsureLoaded();
        mlx_map_string_to_array map = Checked.mlx_map_string_to_array_new();
        foreach ((string name, MlxArray array) in arrays ?? [])
        {
            fixed (byte* key = NativeText.Of("name", name))
                Checked.mlx_map_string_to_array_insert(map, key, array.Handle);
            GC.KeepAlive(array);
        }

        return map;
    }

    /// <summary>A native dictionary of texts, which the caller frees.</summary>
    public static mlx_map_string_to_string Of(IEnumerable<KeyValuePair<string, string>>? texts)
    {
        mlx_map_string_to_string map = Checked.mlx_map_string_to_string_new();
        foreach ((string name, string text) in texts ?? [])
        {
            fixed (byte* key = NativeText.Of("name", name))
            fixed (byte* value = NativeText.Of("value", text))
                Checked.mlx_map_string_to_string_insert(map, key, value);
        }

        return map;
    }

    /// <summary>The arrays of a native dictionary, which is freed.</summary>
    public static Dictionary<string, MlxArray> Take(mlx_map_string_to_array map)
    {
        Dictionary<string, MlxArray> arrays = Read(map);
        Checked.mlx_map_string_to_array_free(map);
        return arrays;
    }

    /// <summary>The arrays of a native dictionary, which stays its owner's.</summary>
    public static Dictionary<string, MlxArray> Read(mlx_map_string_to_array map)
    {
        mlx_map_string_to_array_iterator places = Checked.mlx_map_string_to_array_iterator_new(map);
        Dictionary<string, MlxArray> arrays = [];
        byte* key = null;
        mlx_array value = default;
        while (Checked.mlx_map_string_to_array_iterator_next(&key, &value, places))
        {
            arrays.Add(NativeText.Read(key), MlxArray.Adopt(value));
            value = default;
        }

        if (value.ctx is not null)
            Checked.mlx_array_free(value);
        Checked.mlx_map_string_to_array_iterator_free(places);
        return arrays;
    }

    /// <summary>The texts of a native dictionary, which is freed.</summary>
    public static Dictionary<string, string> Take(mlx_map_string_to_string map)
    {
        mlx_map_string_to_string_iterator places = Checked.mlx_map_string_to_string_iterator_new(map);
        Dictionary<string, string> texts = [];
        byte* key = null, value = null;
        while (Checked.mlx_map_string_to_string_iterator_next(&key, &value, places))
            texts.Add(NativeText.Read(key), NativeText.Read(value));
        Checked.mlx_map_string_to_string_iterator_free(places);
        Checked.mlx_map_string_to_string_free(map);
        return texts;
    }
}
