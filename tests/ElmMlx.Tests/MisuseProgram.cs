using System.Text;
using ElmMlx.BindingsGenerator;

namespace ElmMlx.Tests;

/// <summary>
/// A C program, written from the interface's description, that calls every function with handles that are no good:
/// empty ones, empty ones with null pointers, ones that never were given out, ones of another type, ones that were
/// freed; and with null for every function. It prints a function's name before each call, and which handles and
/// functions were accepted: empty arrays where one is needed, anything else that is no good everywhere.
/// </summary>
internal static class MisuseProgram
{
    private const string Start = """
        #include <stdlib.h>
        #include <string.h>

        enum { EMPTY, NULL_POINTERS, NEVER_GIVEN_OUT, ANOTHER_TYPE, FREED, KINDS };
        static char space[1 << 16];
        static long errors, before;
        static void count(const char* message, void* data) { errors += message[0] != 0; }

        // A handle of the kind, which results hold too; one of another type is a text, unless a text is asked for.
        static void* handle(int kind, bool text) {
          memset(space, 0, sizeof space);
          void* bad = kind == NEVER_GIVEN_OUT ? (void*)0x123456789abcdef
              : kind == ANOTHER_TYPE ? text ? mlx_vector_int_new().ctx : mlx_string_new_data("text").ctx
              : kind == FREED ? mlx_string_new_data("text").ctx : NULL;
          if (kind == FREED)
            mlx_string_free((mlx_string){bad});
          memcpy(space, &bad, sizeof bad);
          before = errors;
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
        var text = new StringBuilder(StubLibrary.Includes).Append("typedef uint16_t float16_t, bfloat16_t;\n");
        StubLibrary.Types(text, api);
        List<FunctionDescription> functions = [.. api.Functions.Where(f => !f.Variadic)];
        foreach (FunctionDescription f in functions)
            text.Append($"{f.Returns} {f.Name}({string.Join(", ", f.Parameters.Select(StubLibrary.Declaration))});\n");
        text.Append(Start);
        foreach (FunctionDescription f in functions.Where(f => f.Name != "mlx_set_error_handler"))
            Call(text, f, api);
        return text.Append("  }\n  printf(\"%ld errors\\n\", errors);\n  return 0;\n}\n").ToString();
    }

    private static void Call(StringBuilder text, FunctionDescription f, CInterface api)
    {
        bool takesText = f.Parameters.Any(p => p.Type.Contains("mlx_string", StringComparison.Ordinal));
        bool takesFunction = f.Parameters.Any(p => p.Type.StartsWith("int (*)", StringComparison.Ordinal));
        bool takesHandle = f.Parameters.Any(p => StubLibrary.IsHandle(p.Type, api));
        bool needsArray = !f.Name.EndsWith("_free", StringComparison.Ordinal)
            && f.Parameters.Any(p => p.Type == "const mlx_array" && !p.Nullable);
        string mustFail = takesFunction || needsArray ? "true" : takesHandle ? "kind >= NEVER_GIVEN_OUT" : "false";
        text.Append($$"""
                {
                  printf("%d {{f.Name}}\n", kind); fflush(stdout);
                  void* bad = handle(kind, {{(takesText ? "true" : "false")}}); (void)bad;
                  (void){{f.Name}}({{string.Join(", ", f.Parameters.Select(p => Argument(p, api)))}});
                  if ({{mustFail}} && errors == before) printf("accepted: %d {{f.Name}}\n", kind);
                }

            """);
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
