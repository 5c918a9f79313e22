using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace ElmMlx.BindingsGenerator;

/// <summary>Reads the headers through Clang's own syntax tree (<c>-ast-dump=json</c>).</summary>
/// <remarks>
/// The half-precision accessors are declared only where the processor has such types. Their typedefs are given
/// here as 16-bit integers, so that the description is the same on every machine.
/// </remarks>
internal sealed class HeaderReader
{
    private const string NullMark = "/* may be null */";

    private static readonly string[] Compilers = ["clang", .. Enumerable.Range(14, 10).Select(n => $"clang-{n}")];

    private readonly string _folder; // <headers>/mlx/c/, as Clang spells it
    private readonly Dictionary<string, string> _sources = [];
    private readonly List<CEnum> _enums = [];
    private readonly List<CStruct> _structs = [];
    private readonly List<CCallback> _callbacks = [];
    private readonly List<FunctionDescription> _functions = [];
    private string _file = ""; // the tree names a file only where it changes

    private HeaderReader(string headers) => _folder = System.IO.Path.Combine(headers, "mlx", "c") + "/";

    /// <summary>
    /// Describes the headers in <paramref name="headers"/>, the folder that holds <c>mlx/c/mlx.h</c>.
    /// </summary>
    /// <exception cref="InvalidDataException">The headers or Clang are not there, or Clang refuses them.</exception>
    public static CInterface Read(string headers, string version)
    {
        headers = System.IO.Path.GetFullPath(headers).TrimEnd('/');
        if (!File.Exists(System.IO.Path.Combine(headers, "mlx", "c", "mlx.h")))
            throw new InvalidDataException($"{headers} holds no mlx/c/mlx.h: give the folder that holds mlx/c");
        var reader = new HeaderReader(headers);
        using var tree = Dump(headers);
        foreach (var declaration in tree.RootElement.GetProperty("inner").EnumerateArray())
            reader.Declaration(declaration);
        return new(version, reader._enums, reader._structs, reader._callbacks, reader._functions);
    }

    private static JsonDocument Dump(string headers)
    {
        var source = System.IO.Path.Combine(Directory.CreateTempSubdirectory("mlx-c-").FullName, "all.c");
        File.WriteAllText(source, """
            #include <stdint.h>
            typedef uint16_t float16_t;
            typedef uint16_t bfloat16_t;
            #define MLX_HALF_H
            #define HAS_FLOAT16
            #define HAS_BFLOAT16
            #include "mlx/c/mlx.h"
            """);
        try
        {
            foreach (var compiler in Compilers)
            {
                string[] arguments = ["-Xclang", "-ast-dump=json", "-fsyntax-only", "-I", headers, source];
                var start = new ProcessStartInfo(compiler, arguments)
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                    StandardOutputEncoding = Encoding.UTF8,
                };
                Process process;
                try
                {
                    process = Process.Start(start)!;
                }
                catch (System.ComponentModel.Win32Exception)
                {
                    continue; // this compiler is not installed
                }

                using (process)
                {
                    var errors = process.StandardError.ReadToEndAsync();
                    var json = process.StandardOutput.ReadToEnd();
                    process.WaitForExit();
                    return process.ExitCode == 0
                        ? JsonDocument.Parse(json, new() { MaxDepth = 256 })
                        : throw new InvalidDataException(
                            $"{compiler} refuses the headers in {headers}: {errors.Result.Trim()}");
                }
            }

            throw new InvalidDataException(
                "reading headers needs clang: install clang (14 or newer) and run this again");
        }
        finally
        {
            Directory.Delete(System.IO.Path.GetDirectoryName(source)!, recursive: true);
        }
    }

    private void Declaration(JsonElement declaration)
    {
        // Only the location decides where the declaration stands; everything after it may name other files.
        if (declaration.TryGetProperty("loc", out var location))
            Follow(location);
        var file = _file;
        if (file.StartsWith(_folder, StringComparison.Ordinal))
        {
            var header = file[_folder.Length..];
            switch (declaration.GetProperty("kind").GetString())
            {
                case "EnumDecl":
                    _enums.Add(new(TypedefName(declaration), header, Members(declaration)));
                    break;
                case "RecordDecl" when declaration.TryGetProperty("completeDefinition", out _):
                    _structs.Add(new(TypedefName(declaration), header,
                        [.. Inner(declaration, "FieldDecl").Select(f => Parameter(f, file))]));
                    break;
                case "TypedefDecl" when TypeOf(declaration).Contains("(*)", StringComparison.Ordinal):
                    _callbacks.Add(new(NameOf(declaration), header, TypeOf(declaration)));
                    break;
                case "FunctionDecl":
                    var type = TypeOf(declaration);
                    _functions.Add(new(NameOf(declaration), header, type[..type.IndexOf('(')].TrimEnd(),
                        [.. Inner(declaration, "ParmVarDecl").Select(p => Parameter(p, file))],
                        declaration.TryGetProperty("variadic", out _)));
                    break;
            }
        }

        foreach (var property in declaration.EnumerateObject())
        {
            if (property.Name != "loc")
                Follow(property.Value);
        }
    }

    private static List<CEnumMember> Members(JsonElement declaration)
    {
        var members = new List<CEnumMember>();
        foreach (var member in Inner(declaration, "EnumConstantDecl"))
        {
            var value = member.TryGetProperty("inner", out var inner)
                && inner[0].TryGetProperty("value", out var number)
                ? long.Parse(number.GetString()!)
                : members.Count == 0 ? 0 : members[^1].Value + 1;
            members.Add(new(NameOf(member), value));
        }

        return members;
    }

    private CParameter Parameter(JsonElement declaration, string file)
    {
        var end = declaration.GetProperty("range").GetProperty("end");
        var after = Source(file).AsSpan(end.GetProperty("offset").GetInt32() + end.GetProperty("tokLen").GetInt32());
        return new(
            declaration.TryGetProperty("name", out var name) ? name.GetString()! : "",
            TypeOf(declaration),
            after.TrimStart().StartsWith(NullMark, StringComparison.Ordinal));
    }

    // Offsets in the tree count bytes, so the text is read as one character a byte.
    private string Source(string file) =>
        _sources.TryGetValue(file, out var text) ? text : _sources[file] = File.ReadAllText(file, Encoding.Latin1);

    private void Follow(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
                Follow(item);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                if (property.Name == "file")
                    _file = property.Value.GetString()!;
                else if (property.Name != "includedFrom")
                    Follow(property.Value);
            }
        }
    }

    private static IEnumerable<JsonElement> Inner(JsonElement declaration, string kind) =>
        declaration.TryGetProperty("inner", out var inner)
            ? inner.EnumerateArray().Where(d => d.GetProperty("kind").GetString() == kind)
            : [];

    private static string NameOf(JsonElement declaration) => declaration.GetProperty("name").GetString()!;

    private static string TypeOf(JsonElement declaration) =>
        declaration.GetProperty("type").GetProperty("qualType").GetString()!;

    // mlx-c writes typedef struct mlx_x_ { … } mlx_x;
    private static string TypedefName(JsonElement declaration) => NameOf(declaration).TrimEnd('_');
}
