using System.Text;

namespace ElmMlx.BindingsGenerator;

/// <summary>The table of functions once more, for the tests: each entry notes its call, then makes it.</summary>
public sealed partial class Emitter
{
    private string RecordedTable()
    {
        var text = new StringBuilder(Header);
        text.Append("""
            using System.Runtime.CompilerServices;
            using System.Runtime.InteropServices;
            using ElmMlx.Bindings;

            [assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]

            namespace ElmMlx.Tests;

            /// <summary>Functions that note which of them was called: see <see cref="CallRecorder"/>.</summary>
            internal static unsafe class RecordedTable
            {
                /// <summary>The provider's own functions.</summary>
                public static MlxTable Real;

                /// <summary>The address of a function that notes its call.</summary>
                public static nint Address(string name) => Array.IndexOf(MlxTable.Names, name) switch
                {

            """);
        for (var i = 0; i < _functions.Count; i++)
            text.Append($"        {i} => (nint)({Pointer(_functions[i])})&{_functions[i].Name},\n");
        text.Append("        _ => 0,\n    };\n\n");
        for (var i = 0; i < _functions.Count; i++)
        {
            var f = _functions[i];
            text.Append("    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]\n");
            text.Append($"    private static {Signature(f)}\n    {{\n        CallRecorder.Note({i});\n");
            var answer = Type(f.Returns) == "void" ? "" : "return ";
            text.Append($"        {answer}Real.{f.Name}({Arguments(f)});\n    }}\n\n");
        }

        text.Length--;
        return text.Append("}\n").ToString();
    }
}
