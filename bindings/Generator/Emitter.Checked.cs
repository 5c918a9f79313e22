using System.Text;

namespace ElmMlx.BindingsGenerator;

/// <summary>The checked layer: one method per C function that throws where C answers with a code, an empty handle or a
/// report to the error handler. The managed arrays call nothing else.</summary>
public sealed partial class Emitter
{
    // Their int is a value, not a code.
    private static readonly HashSet<string> Values =
        ["mlx_array_dim", "mlx_distributed_group_rank", "mlx_distributed_group_size"];

    // They answer 2 for "there is none": no such key, wrong type, end of the iteration.
    private static readonly HashSet<string> Lookups =
    [
        "mlx_device_info_get_string", "mlx_device_info_get_size",
        "mlx_map_string_to_array_get", "mlx_map_string_to_array_iterator_next",
        "mlx_map_string_to_string_get", "mlx_map_string_to_string_iterator_next",
        "mlx_io_gguf_get_array", "mlx_io_gguf_get_metadata_array",
        "mlx_io_gguf_get_metadata_string", "mlx_io_gguf_get_metadata_vector_string",
        "mlx_io_gguf_has_metadata_array", "mlx_io_gguf_has_metadata_string", "mlx_io_gguf_has_metadata_vector_string",
    ];

    private string Checked()
    {
        foreach (var name in Values.Concat(Lookups).Where(n => _functions.All(f => f.Name != n)))
            throw new InvalidDataException($"{name} is named in Emitter.Checked.cs, but mlx-c {_api.Version} lacks it");

        var text = new StringBuilder(Header);
        text.Append("""
            using ElmMlx.Bindings;

            namespace ElmMlx;

            /// <summary>The C functions, checked: a code that is not zero, an empty handle or a report to the error handler
            /// becomes an <see cref="MlxException"/>. A result that C stores through <c>res</c> is returned.</summary>
            internal static unsafe class Checked
            {

            """);
        foreach (var f in _functions)
            CheckedMethod(text, f);
        text.Length--;
        return text.Append("}\n").ToString();
    }

    private void CheckedMethod(StringBuilder text, FunctionDescription f)
    {
        var type = Type(f.Returns);
        var status = type == "int" && !Values.Contains(f.Name);
        var result = status && f.Parameters is [{ Name: "res" } first, ..] && Type(first.Type).EndsWith('*')
            ? first
            : null;
        var resultType = result is null ? null : Type(result.Type)[..^1];
        var answer = resultType ?? (status ? (Lookups.Contains(f.Name) ? "bool" : "void") : type);
        var parameters = f.Parameters.Where(p => p != result).Select(p => $"{Type(p.Type)} {CSharpType.Name(p.Name)}");
        var arguments = f.Parameters.Select(p => p == result ? "&res" : CSharpType.Name(p.Name));
        var call = $"Mlx.{f.Name}({string.Join(", ", arguments)})";
        var failure = $"throw Failure.Of({string.Join(", ", Described(f))});";

        text.Append($"    /// <summary><c>{Escape(f.Name)}</c></summary>\n");
        text.Append($"    public static {answer} {f.Name}({string.Join(", ", parameters)})\n    {{\n");
        if (resultType is not null)
        {
            var empty = IsHandle(resultType) ? " || res.ctx is null" : "";
            text.Append($"        {resultType} res = default;\n");
            text.Append($"        if ({call} != 0{empty})\n            {failure}\n        return res;\n");
        }
        else if (answer == "bool" && status)
        {
            text.Append($"        int code = {call};\n");
            text.Append($"        if (code is not (0 or 2))\n            {failure}\n        return code == 0;\n");
        }
        else if (status)
        {
            var stored = f.Parameters.Where(IsStored).Select(p => CSharpType.Name(p.Name));
            var empty = string.Concat(stored.Select(name => $" || {name}->ctx is null"));
            text.Append($"        if ({call} != 0{empty})\n            {failure}\n");
        }
        else if (type == "void")
        {
            text.Append($"        {call};\n        if (Failure.Reported)\n            {failure}\n");
        }
        else
        {
            var starts = f.Parameters.Count == 0 && f.Name == $"{type}_new"; // an empty handle to start with
            var failed = IsHandle(type) && !starts ? "result.ctx is null" : "Failure.Reported";
            text.Append($"        {type} result = {call};\n");
            text.Append($"        if ({failed})\n            {failure}\n        return result;\n");
        }

        text.Append("    }\n\n");
    }

    // The operation, MLX's text (taken before anything else can fail), the operands.
    private IEnumerable<string> Described(FunctionDescription f) =>
        new[] { $"\"{f.Name.TrimStart('_')["mlx_".Length..]}\"", "Failure.Take()" }.Concat(
            from p in f.Parameters
            where Type(p.Type) is "mlx_array" or "mlx_vector_array"
            select $"Failure.Text({CSharpType.Name(p.Name)})");

    private bool IsHandle(string type) =>
        _api.Structs.Any(s => s.Name == type && s.Fields is [{ Name: "ctx" }, ..]);

    // A handle that the function fills: res_0, res_1, a stream, a map; not one that the caller hands in.
    private bool IsStored(CParameter p) =>
        !p.Type.StartsWith("const", StringComparison.Ordinal)
        && Type(p.Type) is [.., '*'] pointer && IsHandle(pointer[..^1]);
}
