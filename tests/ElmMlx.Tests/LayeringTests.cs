using System.Text.RegularExpressions;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Who may use whom (docs/architecture.md), read from the sources.</summary>
public partial class LayeringTests
{
    // A folder of src/ElmMlx, and the others that it may use.
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Arrays"] = [],
        ["Weights"] = ["Arrays"],
        ["Nn"] = ["Arrays", "Weights"],
        ["Optimizers"] = ["Arrays", "Nn"],
        ["Text"] = [],
        ["OpenElm"] = ["Arrays", "Nn", "Weights", "Text"],
        ["Datasets"] = ["Arrays", "Text"],
        ["Training"] = ["Arrays", "Nn", "Optimizers", "Weights", "Text", "OpenElm", "Datasets"],
        ["Lora"] = ["Arrays", "Nn", "Optimizers", "Weights", "Text", "OpenElm", "Datasets", "Training"],
        ["Generation"] = ["Arrays", "Nn", "Weights", "Text", "OpenElm", "Lora"],
        ["Evaluation"] = ["Arrays", "Nn", "Weights", "Text", "OpenElm", "Datasets", "Lora", "Generation"],
        ["Checkpoints"] = ["Arrays", "Nn", "Weights", "Text", "OpenElm", "Lora", "Generation"],
        ["Preference"] = ["Arrays", "Nn", "Optimizers", "Weights", "Text", "OpenElm", "Datasets", "Training", "Lora"],
        ["Pretraining"] =
            ["Arrays", "Nn", "Optimizers", "Weights", "Text", "OpenElm", "Datasets", "Training", "Checkpoints"],
    };

    // The only places that call C without a check: the checks themselves, freeing, and loading.
    private static readonly string[] RawCallers =
        ["Checked.g.cs", "Failure.cs", "ArrayThread.cs", "RuntimeLoader.cs", "MlxDevice.cs"];

    // Where nobody installs a handler it prints and ends the process, as mlx-c does.
    private const string DefaultErrorHandler = "native/ElmMlx.Cpu/Abi/Guard.cs";

    public static TheoryData<string> Folders() =>
        [.. Directory.GetDirectories(Repository.At("src/ElmMlx"))
            .Select(d => Path.GetFileName(d)).Where(d => d is not ("bin" or "obj")).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_uses_only_what_stands_above_it(string folder)
    {
        Assert.True(Allowed.ContainsKey(folder), $"src/ElmMlx/{folder} has no place among the layers");
        List<string> wrong = [];
        string[] arrayTypes = folder == "Arrays" || Allowed[folder].Contains("Arrays") ? [] : TypesOf("Arrays");
        foreach ((string path, string code) in Sources($"src/ElmMlx/{folder}"))
        {
            foreach (Match match in Namespaces().Matches(code))
            {
                string used = match.Groups[1].Value;
                bool isFine = used == folder || Allowed[folder].Contains(used)
                    || (used == "Bindings" && folder == "Arrays")
                    || (used == "Cpu"
                        && folder == "Arrays"
                        && Path.GetFileName(path).StartsWith("Runtime", StringComparison.Ordinal));
                if (!isFine && (Allowed.ContainsKey(used) || used is "Bindings" or "Cpu"))
                    wrong.Add($"{path} names ElmMlx.{used}");
            }

            // What stands in the namespace ElmMlx is visible below without a using.
            wrong.AddRange(
                from name in arrayTypes
                where Regex.IsMatch(code, $@"(?<![\w.""]){name}(?!\w)")
                select $"{path} names {name} of Arrays");
        }

        Assert.Empty(wrong);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_declares_its_own_namespace(string folder)
    {
        string expected = folder == "Arrays" ? "ElmMlx" : $"ElmMlx.{folder}";
        Assert.Empty(
            from source in Sources($"src/ElmMlx/{folder}")
            let declared = Declaration().Match(source.Code).Groups[1].Value
            where declared != expected && !declared.StartsWith(expected + ".", StringComparison.Ordinal)
            select $"{source.Path} declares {declared}");
    }

    [Fact]
    public void Cpu_provider_uses_only_the_bindings() =>
        Assert.Empty(
            from source in Sources("native/ElmMlx.Cpu")
            from Match match in Namespaces().Matches(source.Code)
            where match.Groups[1].Value is not ("Cpu" or "Bindings")
            select $"{source.Path} names ElmMlx.{match.Groups[1].Value}");

    [Fact]
    public void Only_tools_print() =>
        Assert.Empty(
            from folder in (string[])["src", "native"]
            from source in Sources(folder)
            where ConsoleCall().IsMatch(source.Code) && source.Path != DefaultErrorHandler
            select source.Path);

    [Fact]
    public void C_is_called_through_the_checked_layer_only() =>
        Assert.Empty(
            from source in Sources("src")
            where source.Code.Contains("Mlx.mlx_", StringComparison.Ordinal)
                && !RawCallers.Contains(Path.GetFileName(source.Path))
            select source.Path);

    [Fact]
    public void No_file_names_a_place_on_somebody_s_machine()
    {
        string[] places = ["/home" + "/", "/Users" + "/", "/root" + "/", "/work" + "/", @":\Users" + @"\"];
        Assert.Empty(
            from folder in (string[])["src", "native", "bindings", "tools", "tests/ElmMlx.Tests", "docs", "benchmarks"]
            where Directory.Exists(Repository.At(folder))
            from file in Directory.EnumerateFiles(Repository.At(folder), "*", SearchOption.AllDirectories)
            where Path.GetExtension(file) is ".cs" or ".md" or ".csproj" or ".json" or ".sh"
                && !file.Contains("/obj/", StringComparison.Ordinal)
                && !file.Contains("/bin/", StringComparison.Ordinal)
            let text = File.ReadAllText(file)
            from place in places
            where text.Contains(place, StringComparison.Ordinal)
            select $"{Path.GetRelativePath(Repository.Root, file)} names {place}");
    }

    // Comments and documentation may name anything.
    private static IEnumerable<(string Path, string Code)> Sources(string folder) =>
        from file in Directory.EnumerateFiles(Repository.At(folder), "*.cs", SearchOption.AllDirectories)
        let path = Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')
        where !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal)
        select (path, Comments().Replace(File.ReadAllText(file), ""));

    private static string[] TypesOf(string folder) =>
        [.. from source in Sources($"src/ElmMlx/{folder}")
            from Match match in Types().Matches(source.Code)
            select match.Groups[1].Value];

    [GeneratedRegex(@"\bElmMlx\.([A-Z]\w*)")]
    private static partial Regex Namespaces();

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\bConsole\.")]
    private static partial Regex ConsoleCall();

    [GeneratedRegex(@"//.*$", RegexOptions.Multiline)]
    private static partial Regex Comments();

    [GeneratedRegex(@"^(?:public|internal)(?: \w+)* (?:class|struct|enum|record) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Types();
}
