using System.Text;

namespace ElmMlx.BindingsGenerator;

/// <summary>The adapters: functions whose signature differs in an older version, and those that it lacks.</summary>
public sealed partial class Emitter
{
    private string Adapters()
    {
        var text = new StringBuilder(Header);
        text.Append("""
            using System.Runtime.CompilerServices;
            using System.Runtime.InteropServices;

            namespace ElmMlx.Bindings;


            """);
        foreach (var old in _versions.SkipLast(1))
            AdapterClass(text, old);

        text.Append("/// <summary>What stands in the table for functions that an older version lacks.</summary>\n");
        text.Append("internal static unsafe class MissingFunctions\n{\n");
        var missing = _functions.Where(f => _versions.Any(v => Old(v, f) is null)).ToList();
        foreach (var f in missing)
        {
            var since = _versions.First(v => Old(v, f) is not null).Version;
            var type = Type(f.Returns);
            var answer = type switch
            {
                "void" => $"MlxError.Missing(\"{f.Name}\", \"{since}\")",
                "int" => $"MlxError.Missing(\"{f.Name}\", \"{since}\")",
                _ => $"MlxError.Missing<{type}>(\"{f.Name}\", \"{since}\")",
            };
            text.Append("    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]\n");
            text.Append($"    private static {Signature(f)} => {answer};\n\n");
        }

        text.Append("    /// <summary>The stand-in of a function that a version lacks, or zero.</summary>\n");
        text.Append("    public static nint Address(int version, string name) => name switch\n    {\n");
        foreach (var f in missing)
        {
            var since = Enumerable.Range(0, _versions.Count).First(v => Old(_versions[v], f) is not null);
            text.Append($"        \"{f.Name}\" when version < {since} => (nint)({Pointer(f)})&{f.Name},\n");
        }

        return text.Append("        _ => 0,\n    };\n}\n").ToString();
    }

    // What the headers of each version say, one declaration a line: versions, name, shape (HeaderPrototypes reads it).
    private string Known()
    {
        var text = new StringBuilder(Header);
        var names = string.Join(", ", _versions.Select(v => $"\"{v.Version}\""));
        text.Append($$"""
            namespace ElmMlx.Bindings;

            /// <summary>The versions of mlx-c that are known, oldest first.</summary>
            internal static class KnownVersions
            {
                public const int Newest = {{_versions.Count - 1}};

                public static readonly string[] Names = [{{names}}];

                /// <summary>The adapter of a version's function; zero where its signature is the newest.</summary>
                public static nint Adapt(int version, string name, nint function) => version switch
                {

            """);
        for (var v = 0; v < _versions.Count - 1; v++)
            text.Append($"        {v} => {AdapterName(_versions[v])}.Adapt(name, function),\n");
        text.Append("        _ => 0,\n    };\n\n");
        text.Append(
            "    /// <summary>Every declaration: the versions that have it so, its name, its shape.</summary>\n");
        text.Append("    public static ReadOnlySpan<byte> Prototypes =>\n        \"\"\"\n");
        var lines = _versions
            .SelectMany(v => Declarations(v).Select(line => (v.Version, Line: line)))
            .GroupBy(p => p.Line, p => p.Version);
        foreach (var line in lines)
            text.Append($"        {string.Join(",", line)} {line.Key}\n");
        return text.Append("        \"\"\"u8;\n}\n").ToString();
    }

    private IEnumerable<string> Declarations(CInterface api) =>
    [
        .. api.Enums.Select(e => $"{e.Name} [{string.Join(",", e.Members.Select(m => m.Name))}]"),
        .. api.Structs.Select(s => $"{s.Name} {{{string.Join(";", s.Fields.Select(Field))}}}"),
        .. api.Functions.Where(f => _functions.Any(g => g.Name == f.Name))
            .Select(f => $"{f.Name} {Plain(f.Returns)}({string.Join(",", f.Parameters.Select(p => Plain(p.Type)))})"),
    ];

    private static string Field(CParameter field) =>
        Plain(field.Type) is var type && type.Contains("(*)", StringComparison.Ordinal)
            ? type.Replace("(*)", $"(*{field.Name})")
            : $"{type} {field.Name}";

    private static string Plain(string type) => type.Replace("const ", "").Replace(" ", "");

    private static string AdapterName(CInterface version) => $"Adapters{version.Version.Replace(".", "")}";

    private void AdapterClass(StringBuilder text, CInterface old)
    {
        var changed = _functions
            .Select(f => (New: f, Old: Old(old, f)))
            .Where(p => p.Old is not null && Shape(p.Old) != Shape(p.New))
            .ToList();
        text.Append($"/// <summary>mlx-c {old.Version} behind the newest signatures.</summary>\n");
        text.Append($"internal static unsafe class {AdapterName(old)}\n{{\n");
        foreach (var (f, o) in changed)
            text.Append($"    private static {Pointer(o!)} s_{f.Name};\n");
        text.Append('\n');
        foreach (var (f, o) in changed)
        {
            text.Append("    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]\n");
            text.Append($"    private static {Signature(f)}\n    {{\n");
            AdapterBody(text, f, o!, old.Version);
            text.Append("    }\n\n");
        }

        text.Append("""
                /// <summary>Keeps the library's function and returns the adapter; zero where none is needed.</summary>
                public static nint Adapt(string name, nint function)
                {
                    switch (name)
                    {

            """);
        foreach (var (f, o) in changed)
        {
            text.Append($"            case \"{f.Name}\":\n");
            text.Append($"                s_{f.Name} = ({Pointer(o!)})function;\n");
            text.Append($"                return (nint)({Pointer(f)})&{f.Name};\n");
        }

        text.Append("            default:\n                return 0;\n        }\n    }\n}\n\n");
    }

    private void AdapterBody(StringBuilder text, FunctionDescription f, FunctionDescription o, string version)
    {
        // A handle that was returned is now stored through the first parameter.
        var stored = Type(o.Returns) != Type(f.Returns) ? f.Parameters[0] : null;
        foreach (var p in f.Parameters.Where(p => p != stored && o.Parameters.All(q => q.Name != p.Name)))
        {
            text.Append($"        if ({IsGiven(p)})\n            return MlxError.NoParameter");
            text.Append(Type(f.Returns) == "int" ? "" : $"<{Type(f.Returns)}>");
            text.Append($"(\"{f.Name}\", \"{p.Name}\", \"{version}\");\n");
        }

        if (o.Parameters.FirstOrDefault(q => f.Parameters.All(p => p.Name != q.Name)) is { } gone)
        {
            throw new InvalidDataException(
                $"{f.Name} of mlx-c {version} takes {gone.Name}, which {_api.Version} does not: write its adapter "
                    + "by hand");
        }

        var call = $"s_{f.Name}({string.Join(", ", o.Parameters.Select(p => CSharpType.Name(p.Name)))})";
        if (stored is null)
            text.Append($"        return {call};\n");
        else
            text.Append($"        var result = {call};\n        if (result.ctx is null)\n            return 1;\n"
                + $"        *{stored.Name} = result;\n        return 0;\n");
    }

    // New parameters all have an empty value that asks for what the older version does.
    private string IsGiven(CParameter p)
    {
        var type = Type(p.Type);
        var name = CSharpType.Name(p.Name);
        return type.EndsWith('*') ? $"{name} is not null"
            : _api.Enums.Any(e => e.Name == type) ? $"{name} != 0"
            : _api.Structs.Any(s => s.Name == type && s.Fields is [{ Name: "ctx" }]) ? $"{name}.ctx is not null"
            : throw new InvalidDataException($"the new parameter {p.Name} of type {p.Type} has no empty value");
    }

    private static FunctionDescription? Old(CInterface version, FunctionDescription f) =>
        version.Functions.FirstOrDefault(o => o.Name == f.Name);

    private string Shape(FunctionDescription f) =>
        $"{Type(f.Returns)}({string.Join(",", f.Parameters.Select(p => Type(p.Type)))})";
}
