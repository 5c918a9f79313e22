namespace ElmMlx.BindingsGenerator;

/// <summary>C types and names in C#.</summary>
internal static class CSharpType
{
    private static readonly Dictionary<string, string> Scalars = new()
    {
        ["void"] = "void",
        ["bool"] = "bool",
        ["_Bool"] = "bool",
        ["char"] = "byte",
        ["int"] = "int",
        ["float"] = "float",
        ["double"] = "double",
        ["size_t"] = "nuint",
        ["uintptr_t"] = "nuint",
        ["int8_t"] = "sbyte",
        ["int16_t"] = "short",
        ["int32_t"] = "int",
        ["int64_t"] = "long",
        ["uint8_t"] = "byte",
        ["uint16_t"] = "ushort",
        ["uint32_t"] = "uint",
        ["uint64_t"] = "ulong",
        ["FILE"] = "void",
    };

    private static readonly HashSet<string> Keywords =
    [
        "as", "base", "checked", "default", "event", "fixed", "in", "is", "lock", "new", "object", "operator", "out",
        "params", "ref", "string", "this",
    ];

    /// <summary>The C# type of a C type.</summary>
    /// <param name="type">The C type as Clang spells it.</param>
    /// <param name="callbacks">The named function-pointer types.</param>
    /// <exception cref="InvalidDataException">The type is none that this knows.</exception>
    public static string Of(string type, IReadOnlyDictionary<string, string> callbacks)
    {
        type = type.Trim();
        if (callbacks.TryGetValue(type, out var callback))
            return Of(callback, callbacks);
        var star = type.IndexOf("(*)", StringComparison.Ordinal);
        if (star >= 0)
        {
            var parameters = type[(star + 4)..^1];
            var types = parameters is "void" or ""
                ? []
                : parameters.Split(',').Select(p => Of(p, callbacks));
            return $"delegate* unmanaged[Cdecl]<{string.Join(", ", types.Append(Of(type[..star], callbacks)))}>";
        }

        var core = type.TrimEnd('*', ' ');
        var stars = new string('*', type.Count(c => c == '*'));
        core = core.Replace("const ", "").Trim();
        if (Scalars.TryGetValue(core, out var scalar))
            return scalar + stars;
        return core.StartsWith("mlx_", StringComparison.Ordinal)
            ? core + stars
            : throw new InvalidDataException($"the C type \"{type}\" has no C# counterpart: add it to CSharpType");
    }

    /// <summary>A C name as a C# identifier.</summary>
    public static string Name(string name) => Keywords.Contains(name) ? "@" + name : name;

    /// <summary>A C declaration: <c>const mlx_array a</c>, <c>int (*fun)(void*)</c>.</summary>
    public static string Declaration(CParameter parameter)
    {
        var type = parameter.Type.Replace(" *", "*");
        var star = type.IndexOf("(*)", StringComparison.Ordinal);
        var text = star >= 0
            ? $"{type[..(star + 2)]}{parameter.Name}{type[(star + 2)..]}"
            : $"{type} {parameter.Name}";
        return parameter.Nullable ? text + " /* may be null */" : text;
    }
}
