using System.Diagnostics;
using System.Text;
using ElmMlx.Bindings;
using ElmMlx.BindingsGenerator;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Small C libraries that have an mlx-c's symbols: every function records its arguments and answers 0, a
/// handle that holds <see cref="Handle"/>, or nothing.</summary>
internal static class StubLibrary
{
    /// <summary>What the handles that a stub returns hold.</summary>
    public const int Handle = 0x77;

    internal const string Includes = """
        #include <stdbool.h>
        #include <stddef.h>
        #include <stdint.h>
        #include <stdio.h>
        typedef float _Complex mlx_complex64_t;

        """;

    private static readonly string[] CalledByTheLoader =
        ["mlx_string_new", "mlx_string_data", "mlx_string_free", "mlx_version", "mlx_set_error_handler"];

    private static readonly string[] Compilers = ["cc", "gcc", "clang", "clang-14"];

    /// <summary>The C compiler of this machine; null when it has none.</summary>
    public static string? Compiler { get; } = OperatingSystem.IsWindows() ? null : Compilers.FirstOrDefault(Runs);

    /// <summary>A known interface.</summary>
    public static CInterface Interface(string version) => CInterfaceJson.Read(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "bindings", $"mlx-c-{version}.json")));

    /// <summary>Compiles a library into <paramref name="folder"/> and returns its path.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="api">The interface that it has.</param>
    /// <param name="mlxVersion">The version of MLX that it reports.</param>
    /// <param name="fails">Whether every function reports <c>stub says no</c> and fails instead.</param>
    public static string Compile(string folder, CInterface api, string mlxVersion = "0.31.2", bool fails = false)
    {
        Directory.CreateDirectory(folder);
        var source = Path.Combine(folder, "stub.c");
        File.WriteAllText(source, fails ? FailingSource(api) : Source(api, mlxVersion));
        var library = Path.Combine(folder, MlxLibrary.FileName);
        string[] arguments = ["-shared", "-fPIC", "-O0", "-w", "-o", library, source];
        using var process = Process.Start(new ProcessStartInfo(Compiler!, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        return library;
    }

    /// <summary>
    /// Writes headers as mlx-c lays them out, into <c>include/mlx/c</c> of <paramref name="prefix"/>.
    /// </summary>
    public static void WriteHeaders(string prefix, CInterface api)
    {
        var folder = Path.Combine(prefix, "include", "mlx", "c");
        Directory.CreateDirectory(folder);
        var text = new StringBuilder("""
            /* Copyright, and a prototype in a comment: int mlx_add(void); */
            #ifndef MLX_ALL_H
            #define MLX_ALL_H
            #include <stdbool.h> // not read
            #define mlx_error(...) \
              _mlx_error(__FILE__, __LINE__, __VA_ARGS__)
            #ifdef __cplusplus
            extern "C" {
            #endif


            """);
        Types(text, api);
        foreach (var f in api.Functions)
        {
            text.Append($"/**\n * \\brief {f.Name} (see above); it does.\n */\n{f.Returns}\n{f.Name}(\n    ");
            text.AppendJoin(
                ",\n    ", f.Parameters.Select(p => Declaration(p) + (p.Nullable ? " /* may be null */" : "")));
            text.Append(f.Variadic ? ", ...);\n" : f.Parameters.Count == 0 ? "void);\n" : ");\n");
        }

        text.Append("#ifdef __cplusplus\n}\n#endif\n#endif\n");
        File.WriteAllText(Path.Combine(folder, "mlx.h"), "#include \"mlx/c/ops.h\"\n");
        File.WriteAllText(Path.Combine(folder, "ops.h"), text.ToString());
    }

    private static string FailingSource(CInterface api)
    {
        var text = new StringBuilder(Includes);
        Types(text, api);
        text.Append("static mlx_error_handler_func report;\n");
        foreach (var f in Compilable(api))
        {
            text.Append($"{f.Returns} {f.Name}({string.Join(", ", f.Parameters.Select(Declaration))}) {{\n");
            if (f.Name == "mlx_set_error_handler")
                text.Append("  if (handler) { report = handler; return; }\n");
            text.Append("  if (report) report(\"stub says no\", 0);\n");
            text.Append(f.Returns == "void" ? ""
                : api.Structs.Any(s => s.Name == f.Returns) ? $"  return ({f.Returns}){{0}};\n"
                : f.Returns == "int" ? "  return 1;\n" : "  return 0;\n");
            text.Append("}\n");
        }

        return text.ToString();
    }

    private static string Source(CInterface api, string mlxVersion)
    {
        var text = new StringBuilder(Includes).Append("""
            static const char* recorded_name = "";
            static int recorded_count;
            static int64_t recorded[32];
            const char* stub_name(void) { return recorded_name; }
            int stub_count(void) { return recorded_count; }
            int64_t stub_argument(int i) { return recorded[i]; }

            """);
        Types(text, api);
        foreach (var f in Compilable(api))
        {
            text.Append($"{f.Returns} {f.Name}({string.Join(", ", f.Parameters.Select(Declaration))}) {{\n");
            if (!CalledByTheLoader.Contains(f.Name))
            {
                text.Append($"  recorded_name = \"{f.Name}\"; recorded_count = {f.Parameters.Count};\n");
                for (var i = 0; i < f.Parameters.Count; i++)
                    text.Append($"  recorded[{i}] = {Recorded(f.Parameters[i], api)};\n");
            }

            text.Append(f.Name == "mlx_string_data" ? $"  return \"{mlxVersion}\";\n"
                : f.Returns == "void" ? ""
                : IsHandle(f.Returns, api) ? $"  return ({f.Returns}){{(void*){Handle}}};\n"
                : api.Structs.Any(s => s.Name == f.Returns) ? $"  return ({f.Returns}){{0}};\n"
                : "  return 0;\n");
            text.Append("}\n");
        }

        return text.ToString();
    }

    internal static IEnumerable<FunctionDescription> Compilable(CInterface api) =>
        api.Functions.Where(f => !f.Variadic && f.Parameters.All(p => !IsHalf(p.Type)) && !IsHalf(f.Returns));

    private static string Recorded(CParameter p, CInterface api) =>
        IsHandle(p.Type, api) ? $"(int64_t){p.Name}.ctx"
        : p.Type.StartsWith("mlx_optional", StringComparison.Ordinal) ? $"{p.Name}.has_value ? (int64_t){p.Name}.value : -1"
        : api.Structs.Any(s => s.Name == p.Type) ? "0"
        : $"(int64_t){p.Name}";

    internal static void Types(StringBuilder text, CInterface api)
    {
        foreach (var e in api.Enums)
            text.Append($"typedef enum {e.Name}_ {{ {string.Join(", ", e.Members.Select(m => m.Name))} }} {e.Name};\n");
        foreach (var s in api.Structs)
        {
            text.Append($"typedef struct {s.Name}_ {{\n");
            foreach (var f in s.Fields)
                text.Append($"  {Declaration(f)};\n");
            text.Append($"}} {s.Name};\n");
        }

        foreach (var c in api.Callbacks)
            text.Append($"typedef {c.Type.Replace("(*)", $"(*{c.Name})")};\n");
    }

    // "int (*)(void *)" and "fun" → "int (*fun)(void *)"
    internal static string Declaration(CParameter p) =>
        p.Type.Contains("(*)", StringComparison.Ordinal) ? p.Type.Replace("(*)", $"(*{p.Name})") : $"{p.Type} {p.Name}";

    internal static bool IsHandle(string type, CInterface api) =>
        api.Structs.Any(s => s.Name == type.Replace("const ", "") && s.Fields is [{ Name: "ctx" }]);

    private static bool IsHalf(string type) => type.Contains("float16_t", StringComparison.Ordinal);

    private static bool Runs(string compiler)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(
                    compiler, "--version")
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
