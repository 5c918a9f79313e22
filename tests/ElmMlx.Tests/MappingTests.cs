using System.Reflection;
using System.Text.RegularExpressions;
using ElmMlx.Bindings;
using ElmMlx.BindingsGenerator;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>docs/mapping.md and docs/coverage.md against the interface and the library.</summary>
public partial class MappingTests
{
    private static readonly Mapping Mapping = Mapping.FromFolder(Repository.Root);

    private static readonly string Arrays = string.Concat(
        Directory.GetFiles(Repository.At("src/ElmMlx"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.EndsWith(".g.cs", StringComparison.Ordinal))
            .Select(File.ReadAllText));

    [Theory]
    [InlineData("docs/mapping.md")]
    [InlineData("docs/coverage.md")]
    public void Documents_are_what_they_are_made_from(string path) =>
        Assert.Equal(Mapping.Files().Single(file => file.Path == path).Text, File.ReadAllText(Repository.At(path)));

    [Fact]
    public void Coverage_has_a_row_for_every_C_function() =>
        Assert.Equal(620, CoverageRow().Count(File.ReadAllText(Repository.At("docs/coverage.md"))));

    [Fact]
    public void Unmapped_function_is_an_error_that_names_it()
    {
        CInterface api = new("9", [], [], [], [new FunctionDescription("mlx_new_one", "ops.h", "int", [])]);
        var error = Assert.Throws<InvalidDataException>(
            () => new Mapping(api, new Dictionary<string, FunctionMapping>(), new Dictionary<string, string[]>()));
        Assert.Contains("mlx_new_one", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_C_function_has_its_checked_method() =>
        Assert.All(Mlx.Names, name => Assert.NotNull(typeof(Checked).GetMethod(name)));

    [Fact]
    public void Every_member_that_the_mapping_names_exists_and_is_public() =>
        Assert.Empty(
            from row in Mapping.Rows
            from member in Members(row.Value)
            where !Exists(member)
            select $"{row.Key}: {member} does not exist");

    [Fact]
    public void Every_mapped_function_is_called_by_the_library() =>
        Assert.Empty(
            from row in Mapping.Rows
            where row.Value.CSharp is not null && !Regex.IsMatch(Arrays, $@"\b(Checked|Mlx)\.{row.Key}\b")
            select $"{row.Key} is mapped, but nothing calls it");

    [Fact]
    public void What_the_CPU_provider_refuses_by_design_is_what_it_throws_for()
    {
        string provider = string.Concat(
            Directory.GetFiles(Repository.At("native/ElmMlx.Cpu/Abi"), "Cpu.*.cs").Select(File.ReadAllText));
        IEnumerable<string> refused = Refusal().Matches(provider).Select(match => match.Groups[1].Value);
        Assert.Equal(
            refused.Order(StringComparer.Ordinal),
            Mapping.Rows.Where(row => row.Value.Cpu is not null).Select(row => row.Key).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Members(FunctionMapping row) =>
        row.CSharp is { } named
            ? named.Split(", ")
            : Quoted().Matches(row.Internal!).Select(match => match.Groups[1].Value);

    private static bool Exists(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        Type? type = typeof(MlxArray).Assembly.GetType("ElmMlx." + name[..dot]);
        const BindingFlags all = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static;
        return type is { IsPublic: true } && type.GetMember(name[(dot + 1)..], all).Length > 0;
    }

    [GeneratedRegex(@"`(\w+\.\w+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^\| `\w+` \| (yes|no by design: [^|]+) \| [^|]+ \| [^|]+ \|$", RegexOptions.Multiline)]
    private static partial Regex CoverageRow();

    [GeneratedRegex(
        @"public static \w+\*? (mlx_\w+)\([^)]*\)\s*=>\s*"
        + @"throw (?:No(?:Metal|Cuda|Export|Import)\(|new InvalidOperationException\(""\[metal)")]
    private static partial Regex Refusal();
}
