namespace ElmMlx.BindingsGenerator;

/// <summary>One version of the MLX C interface: what its headers declare, in their order.</summary>
/// <param name="Version">The release, or the commit where there is none.</param>
/// <param name="Enums">Enumerations, under their typedef names.</param>
/// <param name="Structs">Structures, under their typedef names.</param>
/// <param name="Callbacks">Named function-pointer types.</param>
/// <param name="Functions">Every function.</param>
public sealed record CInterface(
    string Version,
    IReadOnlyList<CEnum> Enums,
    IReadOnlyList<CStruct> Structs,
    IReadOnlyList<CCallback> Callbacks,
    IReadOnlyList<FunctionDescription> Functions);

/// <summary>An enumeration.</summary>
public sealed record CEnum(string Name, string Header, IReadOnlyList<CEnumMember> Members);

/// <summary>A member of an enumeration and its number.</summary>
public sealed record CEnumMember(string Name, long Value);

/// <summary>A structure; its fields have names and C types as parameters have.</summary>
public sealed record CStruct(string Name, string Header, IReadOnlyList<CParameter> Fields);

/// <summary>A typedef of a function pointer, such as <c>void (*)(const char *, void *)</c>.</summary>
public sealed record CCallback(string Name, string Header, string Type);

/// <summary>A function's prototype.</summary>
/// <param name="Name">The C name.</param>
/// <param name="Header">The header that declares it, such as <c>ops.h</c>.</param>
/// <param name="Returns">The C type it returns.</param>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Variadic">Whether <c>...</c> follows the parameters.</param>
public sealed record FunctionDescription(
    string Name, string Header, string Returns, IReadOnlyList<CParameter> Parameters, bool Variadic = false);

/// <summary>A parameter.</summary>
/// <param name="Name">The C name.</param>
/// <param name="Type">The C type as Clang spells it: <c>const mlx_array</c>, <c>int (*)(void *)</c>.</param>
/// <param name="Nullable">Whether a null pointer or an empty handle is allowed.</param>
public sealed record CParameter(string Name, string Type, bool Nullable = false);
