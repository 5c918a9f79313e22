using System.Text.RegularExpressions;
using ElmMlx.Bindings;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>docs/operations.md against the interface and the library.</summary>
public partial class OperationsTableTests
{
    private static readonly Dictionary<string, string> Rows = Row()
        .Matches(File.ReadAllText(Repository.At("docs/operations.md")))
        .ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);

    [Fact]
    public void Table_has_every_C_function_and_no_other() =>
        Assert.Equal(Mlx.Names.Order(StringComparer.Ordinal), Rows.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Every_C_function_has_its_checked_method() =>
        Assert.All(Mlx.Names, name => Assert.NotNull(typeof(Checked).GetMethod(name)));

    [Fact]
    public void Every_method_that_the_table_names_exists() =>
        Assert.Empty(
            from row in Rows
            where row.Value != "raw"
            from Match member in Member().Matches(row.Value)
            let type = typeof(MlxArray).Assembly.GetType("ElmMlx." + member.Groups[1].Value)
            where type is not { IsPublic: true } || type.GetMember(member.Groups[2].Value).Length == 0
            select $"{row.Key}: {member.Value} does not exist");

    [Fact]
    public void Row_is_raw_or_names_a_method() =>
        Assert.Empty(Rows.Where(row => row.Value != "raw" && !Member().IsMatch(row.Value)).Select(row => row.Key));

    [Fact]
    public void Function_that_a_public_operation_calls_is_not_called_raw()
    {
        string arrays = string.Concat(
            Directory.GetFiles(Repository.At("src/ElmMlx/Arrays"), "*.cs")
                .Where(file => !file.EndsWith(".g.cs", StringComparison.Ordinal))
                .Select(File.ReadAllText));
        Assert.Empty(
            from row in Rows
            where row.Value == "raw" && Regex.IsMatch(arrays, $@"Checked\.{row.Key}\b")
            select row.Key);
    }

    [GeneratedRegex(@"^\| `(\w+)` \| (.+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"`(\w+)\.(\w+)`")]
    private static partial Regex Member();
}
