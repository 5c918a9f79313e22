using System.Runtime.CompilerServices;
using System.Text;

namespace ElmMlx.Text.Jinja;

/// <summary>
/// One rendering: where it stands, what it wrote, and what it may still spend. A template comes with a model from
/// anywhere, so time, memory and stack are bounded.
/// </summary>
internal sealed class JinjaRun
{
    /// <summary>The longest text, in characters: an output, or a value.</summary>
    public const int MaxCharacters = 1 << 24;

    private const long MaxWork = 1L << 26;
    private const int MaxCalls = 200;
    private const int StepWork = 32;
    private const int ItemWork = 8;

    private long _work = MaxWork;
    private int _calls;
    private StringBuilder _output = new();

    /// <param name="clock">What <c>strftime_now</c> reads.</param>
    public JinjaRun(TimeProvider clock) => Clock = clock;

    public TimeProvider Clock { get; }

    /// <summary>The line of what is computed.</summary>
    public int Line { get; set; }

    public string Output => _output.ToString();

    /// <summary>Counts one step at a line.</summary>
    public void Step(int line)
    {
        Line = line;
        Step();
    }

    /// <summary>Counts one step of work, and makes sure that the stack is not at its end.</summary>
    public void Step()
    {
        Spend(StepWork);
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new JinjaException("it is nested too deeply");
    }

    /// <summary>Counts work: a unit is a character that is made or looked at.</summary>
    public void Spend(long units)
    {
        _work -= units;
        if (_work < 0)
            throw new JinjaException($"it does more work than a chat template may ({MaxWork} units)");
    }

    /// <summary>Counts the making of a text before it is made.</summary>
    public void SpendText(long characters)
    {
        if (characters > MaxCharacters)
            throw new JinjaException($"it makes a text of more than {MaxCharacters} characters");
        Spend(characters);
    }

    /// <summary>Counts the making of a list before it is made.</summary>
    public void SpendItems(long count)
    {
        if (count > MaxCharacters)
            throw new JinjaException($"it makes a list of more than {MaxCharacters} items");
        Spend(ItemWork * count);
    }

    public void Write(string text)
    {
        SpendText(text.Length);
        if (_output.Length + (long)text.Length > MaxCharacters)
            throw new JinjaException($"it writes more than {MaxCharacters} characters");
        _output.Append(text);
    }

    /// <summary>What a part of the template writes, as a text.</summary>
    public string Capture(Action write)
    {
        var outer = _output;
        _output = new StringBuilder();
        try
        {
            write();
            return _output.ToString();
        }
        finally
        {
            _output = outer;
        }
    }

    /// <summary>Calls a part of the template, which may call itself only so often.</summary>
    public T Call<T>(Func<T> call)
    {
        if (++_calls > MaxCalls)
            throw new JinjaException($"maximum recursion depth exceeded: calls are nested more than {MaxCalls} deep");
        var line = Line;
        var result = call();
        Line = line;
        _calls--;
        return result;
    }
}
