using System.Text;
using ElmMlx.BindingsGenerator;

namespace ElmMlx.Tests;

/// <summary>
/// A C program, written from the interface's description, that calls every function with handles that are no good:
/// empty ones, empty ones with null pointers, ones that never were given out, ones of another type, ones that were
/// freed; and with null for every function. It prints a function's name before each call, and that an array or a
/// function of that kind was accepted.
/// </summary>
internal static class MisuseProgram
{
    private const string Start = """
        #include <stdlib.h>
        #include <string.h>

        enum { EMPTY, NULL_POINTERS, NEVER_GIVEN_OUT, ANOTHER_TYPE, FREED, KINDS };
        static char space[1 << 16];
        static long errors;
        static void count(const char* message, void* data) { errors += message[0] != 0; }

        // A handle of the kind, which results hold too.
        static void* handle(int kind) {
          memset(space, 0, sizeof space);
          void* bad = kind == NEVER_GIVEN_OUT ? (void*)0x123456789abcdef
              : kind == ANOTHER_TYPE || kind == FREED ? mlx_string_new_data("text").ctx : NULL;
          if (kind == FREED)
            mlx_string_free((mlx_string){bad});
          memcpy(space, &bad, sizeof bad);
          return bad;
        }

        int main(void) {
          mlx_set_error_handler(count, NULL, NULL);
          for (int kind = EMPTY; kind < KINDS; ++kind) {
            void* place = kind == NULL_POINTERS ? NULL : space;

        """;

    /// <summary>The program's source.</summary>
    public static string Source(CInterface api)
    {
        var text = new StringBuilder(StubLibrary.Includes);
        StubLibrary.Types(text, api);
        List<FunctionDescription> functions =
            [.. StubLibrary.Compilable(api).Where(f => f.Name != "mlx_set_error_handler")];
        foreach (FunctionDescription f in StubLibrary.Compilable(api))
            text.Append($"{f.Returns} {f.Name}({string.Join(", ", f.Parameters.Select(StubLibrary.Declaration))});\n");
        text.Append(Start);
        foreach (FunctionDescription f in functions)
            Call(text, f, api);
        return text.Append("  }\n  printf(\"%ld errors\\n\", errors);\n  return 0;\n}\n").ToString();
    }

    private static void Call(StringBuilder text, FunctionDescription f, CInterface api)
    {
        text.Append($"    {{\n      printf(\"%d {f.Name}\\n\", kind); fflush(stdout);\n      void* bad = handle(kind); (void)bad;\n");
        string call = $"{f.Name}({string.Join(", ", f.Parameters.Select(p => Argument(p, api)))})";
        bool mustFail = f.Returns == "int" && !f.Name.EndsWith("_free", StringComparison.Ordinal)
            && f.Parameters.Any(p => p.Type == "const mlx_array" && !p.Nullable);
        bool takesFunction = f.Parameters.Any(p => p.Type.StartsWith("int (*)", StringComparison.Ordinal));
        text.Append(takesFunction ? $"      if ({call}.ctx) printf(\"accepted: %d {f.Name}\\n\", kind);\n"
            : mustFail ? $"      if ({call} == 0) printf(\"accepted: %d {f.Name}\\n\", kind);\n"
            : $"      (void){call};\n");
        text.Append("    }\n");
    }

    private static string Argument(CParameter p, CInterface api) =>
        IsPointerToFunction(p, api) ? "NULL"
        : p.Type == "const char *" ? "kind == NULL_POINTERS ? NULL : \"\""
        : p.Type == "FILE *" ? "NULL"
        : p.Type.EndsWith('*') ? $"({p.Type})place"
        : StubLibrary.IsHandle(p.Type, api) ? $"({p.Type}){{bad}}"
        : api.Structs.Any(s => s.Name == p.Type) ? $"({p.Type}){{0}}"
        : "0";

    private static bool IsPointerToFunction(CParameter p, CInterface api) =>
        p.Type.Contains("(*)", StringComparison.Ordinal) || api.Callbacks.Any(c => c.Name == p.Type);
}
