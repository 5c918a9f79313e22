using System.Text.Json;
using ElmMlx.Text;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The language of chat templates against Jinja2's own answers, and templates that mean harm.</summary>
public sealed class JinjaTests
{
    // Refused by both; these we refuse in other words, as Jinja2 or Python give theirs by accident.
    private static readonly HashSet<string> OtherWords =
    [
        "{{ 1 % 0 }}", "{{ 'abc'.startswith(nope) }}", "{% set a, b = 1 %}", "{{ 'unclosed }}", "{{ (1 }}", "{{ 1) }}",
        "{{ [1 }}", "{{ ! }}", "{% for %}", "{% set %}", "{% set 1 = 2 %}", "{% set true = 2 %}",
        "{% if 1 %}{% endfor %}",
        "{% raw %} unclosed", "{# unclosed", "{{ list[nope:] }}", "{{ x if (x := 1) }}", "{% break %}",
        "{{ ''.__class__.x }}",
        "{{ {(1, 2): 3} | tojson }}", "{% for a, in [(1,)] %}{{ a }}{% endfor %}",
    ];

    public static TheoryData<string> Templates =>
        [.. Golden().GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("template").GetString()!)];

    [Theory]
    [MemberData(nameof(Templates))]
    public void Template_gives_what_Jinja2_gives(string template)
    {
        JsonElement golden = Golden();
        JsonElement expected = golden.GetProperty("cases").EnumerateArray()
            .Single(c => c.GetProperty("template").GetString() == template);
        var variables = golden.GetProperty("variables").EnumerateObject().ToDictionary(v => v.Name, v => v.Value);
        if (expected.TryGetProperty("expected", out JsonElement text))
            Assert.Equal(text.GetString(), Render(template, variables));
        else
        {
            var e = Assert.Throws<InvalidDataException>(() => Render(template, variables));
            string error = expected.GetProperty("error").GetString()!;
            if (!OtherWords.Contains(template))
                Assert.Contains(error[(error.IndexOf(": ", StringComparison.Ordinal) + 2)..].TrimEnd('.'), e.Message,
                    StringComparison.Ordinal);
            if (expected.TryGetProperty("line", out JsonElement line))
                Assert.StartsWith($"the chat template, line {line.GetInt32()}: ", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("a\nb {{ nope.x }}\nc", 2)]
    [InlineData("{% for i in [1, 2] %}\n\n{{ 'a' + i }}\n{% endfor %}", 3)]
    [InlineData("{% macro m() %}\n\n{{ 1 }}\n{% endmacro %}\n{{ m() + 1 }}", 5)]
    [InlineData("{{ 1\n+ 2\n+ 'a' }}", 3)]
    [InlineData("\n{{ 'x' | nofilter }}", 2)]
    [InlineData("\n\n{% if x %}", 3)]
    [InlineData("\n\n{{ 'open\n\n", 3)]
    public void Error_names_the_line(string template, int line)
    {
        var e = Assert.Throws<InvalidDataException>(() => Render(template));
        Assert.StartsWith($"the chat template, line {line}: ", e.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> HostileTemplates =>
    [
        "{{ range(10 ** 9) | list }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ [1] * 10 ** 9 }}",
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(1000) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=['a']) %}{% for i in range(1000) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=['a']) %}{% for i in range(1000) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ " +
            "ns.x }}",
        "{% set ns = namespace(x=['a']) %}{% for i in range(1000) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ " +
            "ns.x | tojson }}",
        "{% set ns = namespace(x=['a'], y=['a']) %}{% for i in range(1000) %}{% set ns.x = [ns.x, ns.x] %}{% set " +
            "ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | " +
            "tojson(indent=2) }}",
        "{% set ns = namespace(x=1, y=1) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] " +
            "%}{% endfor %}{{ ns.x == ns.y }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
        "{{ 10 ** (10 ** 10) }}",
        "{% set ns = namespace(x=3) %}{% for i in range(1000) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
        "{{ 'a' | indent(10 ** 9) }}",
        "{{ 'a' | center(10 ** 9) }}",
        "{{ 'a'.zfill(10 ** 9) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%.1000000000f' % 1 }}",
        "{{ ('a' * 10 ** 6).replace('a', 'b' * 10 ** 6) }}",
        "{{ ('a' * 10 ** 6).replace('', 'b' * 10 ** 6) }}",
        "{{ (('a' * 10 ** 6) | list) | join('b' * 10 ** 6) }}",
        "{% set x = 'a' * 10 ** 7 %}{% for a in range(100000) %}{% if 'b' in x %}{% endif %}{% endfor %}",
        "{% set x = range(100000) | list %}{% for a in range(100000) %}{% if -1 in x %}{% endif %}{% endfor %}",
        "{% set x = range(100000) | list %}{% for a in range(100000) %}{% if (x | sort)[0] %}{% endif %}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for a in range(100000) %}{% set ns.l = ns.l + [('a' * 10 ** 6) ~ a] %}{% " +
            "endfor %}",
        "{% set x %}{% for a in range(100000) %}{{ 'a' * 1000 }}{% endfor %}{% endset %}",
        "{{ range(1000) | slice(10 ** 9) | list }}",
        "{{ range(10) | batch(10 ** 9, 1) | list }}",
    ];

    [Theory]
    [MemberData(nameof(HostileTemplates))]
    public void Hostile_template_ends_in_one_sentence(string template)
    {
        var e = Assert.Throws<InvalidDataException>(() => Render(template));
        Assert.StartsWith("the chat template, line 1: ", e.Message, StringComparison.Ordinal);
        Assert.True(e.Message.Length < 300);
    }

    [Theory]
    [InlineData("{{ ", "(", "1")]
    [InlineData("{{ ", "[", "1")]
    [InlineData("{{ ", "{1: ", "1")]
    [InlineData("{{ ", "not ", "1 }}")]
    [InlineData("{{ ", "- ", "1 }}")]
    [InlineData("{{ ", "a[", "1")]
    [InlineData("{{ ", "f(", "1")]
    [InlineData("{{ ", "1 if 1 else ", "1 }}")]
    [InlineData("{{ 1", " + 1", " }}")]
    [InlineData("{{ a", ".a", " }}")]
    [InlineData("{{ 1", " | abs", " }}")]
    [InlineData("{{ 1", " and 1", " }}")]
    [InlineData("", "{% if 1 %}", "")]
    [InlineData("", "{% for a in b %}", "")]
    [InlineData("", "{% set a %}", "")]
    [InlineData("{% for ", "(", "")]
    public void Endless_nesting_ends_in_one_sentence(string begin, string nested, string end)
    {
        string template = begin + string.Concat(Enumerable.Repeat(nested, 100_000)) + end;
        var e = Assert.Throws<InvalidDataException>(() => Render(template));
        Assert.StartsWith("the chat template, line 1: ", e.Message, StringComparison.Ordinal);
        Assert.True(e.Message.Length < 300);
    }

    [Fact]
    public void Strftime_now_reads_the_clock()
    {
        var options = new ChatTemplateOptions { Clock = new FixedClock() };
        string Now(string format) => ChatTemplate.Parse($"{{{{ strftime_now('{format}') }}}}").Render([], options);
        Assert.Equal("07 Mar 2024", Now("%d %b %Y"));
        Assert.Equal("Thursday, March 7, 2024 09:05:03 AM", Now("%A, %B %-d, %Y %I:%M:%S %p"));
        Assert.Equal("2024-03-07 09:05 067 24 100%", Now("%F %R %j %y 100%%"));
        Assert.Contains("%Q", Assert.Throws<InvalidDataException>(() => Now("%Q")).Message, StringComparison.Ordinal);
    }

    private static string Render(string template, Dictionary<string, JsonElement>? variables = null) =>
        ChatTemplate.Parse(template).Render([], new ChatTemplateOptions { Variables = variables ?? [] });

    private static JsonElement Golden() => JsonElement.Parse(File.ReadAllBytes(Fixtures.Path("jinja/cases.json")));

    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 3, 7, 9, 5, 3, TimeSpan.Zero);
    }
}
