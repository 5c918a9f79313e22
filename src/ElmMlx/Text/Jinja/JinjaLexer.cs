using System.Numerics;
using System.Text;

namespace ElmMlx.Text.Jinja;

/// <summary>
/// A template to tokens, with <c>trim_blocks</c> and <c>lstrip_blocks</c>, as transformers sets them.
/// </summary>
internal sealed class JinjaLexer
{
    private const int MaxDigits = 100; // Of a number that is not decimal.

    private static readonly string[] Operators =
    [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
        ".",
        ":", "|", ",", ";",
    ];

    private readonly string _source;
    private readonly List<JinjaToken> _tokens = [];
    private int _place;
    private int _line = 1;

    private JinjaLexer(string source) => _source = source;

    /// <exception cref="JinjaException">Something is no token, or a tag does not end.</exception>
    public static List<JinjaToken> Read(string template)
    {
        var source = template.Replace("\r\n", "\n").Replace('\r', '\n');
        var lexer = new JinjaLexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (_place < _source.Length)
        {
            var begin = FindTag();
            var sign = begin + 2 < _source.Length ? _source[begin + 2] : '\0';
            Emit(JinjaTokenKind.Data, Stripped(begin, sign, _source.AsSpan(begin).StartsWith("{{")));
            MoveTo(begin);
            if (_place == _source.Length)
                break;
            if (_source[begin + 1] == '#')
                SkipComment();
            else if (RawBodyStart() is { } body)
                ReadRaw(body);
            else
            {
                var isBlock = _source[begin + 1] == '%';
                Emit(isBlock ? JinjaTokenKind.BlockBegin : JinjaTokenKind.VariableBegin, "{");
                MoveTo(begin + (sign is '-' or '+' ? 3 : 2));
                ReadTag(isBlock);
            }
        }
        _tokens.Add(new JinjaToken(JinjaTokenKind.End, "", _line));
    }

    private int FindTag()
    {
        for (var i = _place; i + 1 < _source.Length; i++)
            if (_source[i] == '{' && _source[i + 1] is '{' or '%' or '#')
                return i;
        return _source.Length;
    }

    // The text before a tag: a minus takes all blanks, and a block alone in its line those of its line.
    private string Stripped(int end, char sign, bool isVariable)
    {
        var text = _source.AsSpan(_place, end - _place);
        if (end == _source.Length)
            return text.ToString();
        if (sign == '-')
            return PythonText.TrimEnd(text).ToString();
        if (sign == '+' || isVariable)
            return text.ToString();
        var lineStart = text.LastIndexOf('\n') + 1;
        var startsLine = lineStart > 0 || _place == 0 || _source[_place - 1] == '\n';
        return startsLine && PythonText.TrimEnd(text[lineStart..]).IsEmpty
            ? text[..lineStart].ToString()
            : text.ToString();
    }

    private void SkipComment()
    {
        var end = _source.IndexOf("#}", _place + 2, StringComparison.Ordinal);
        if (end < 0)
            throw Error("a comment has no end: #} is missing");
        var sign = end > _place + 2 ? _source[end - 1] : '\0';
        MoveTo(AfterEnd(end + 2, sign, trimsNewline: true));
    }

    // Where the text begins that {% raw %} opens; null where the tag is another one.
    private int? RawBodyStart() => _source[_place + 1] == '%' ? KeywordTag(_place, "raw", trimsNewline: false) : null;

    private void ReadRaw(int body)
    {
        for (var i = _source.IndexOf("{%", body, StringComparison.Ordinal); i >= 0;
            i = _source.IndexOf("{%", i + 2, StringComparison.Ordinal))
        {
            if (KeywordTag(i, "endraw", trimsNewline: true) is not { } after)
                continue;
            MoveTo(body);
            Emit(JinjaTokenKind.Data, Stripped(i, _source[i + 2], isVariable: false));
            MoveTo(after);
            return;
        }
        throw Error("{% raw %} has no end: {% endraw %} is missing");
    }

    // The place behind a tag of one word; null where another tag stands.
    private int? KeywordTag(int place, string keyword, bool trimsNewline)
    {
        var i = place + 2;
        if (i < _source.Length && _source[i] is '-' or '+')
            i++;
        i = SkipSpaces(i);
        if (string.CompareOrdinal(_source, i, keyword, 0, keyword.Length) != 0)
            return null;
        i = SkipSpaces(i + keyword.Length);
        var sign = i < _source.Length && (_source[i] == '-' || (_source[i] == '+' && trimsNewline))
            ? _source[i++]
            : '\0';
        return string.CompareOrdinal(_source, i, "%}", 0, 2) == 0 ? AfterEnd(i + 2, sign, trimsNewline) : null;
    }

    private int AfterEnd(int place, char sign, bool trimsNewline) => sign switch
    {
        '-' => SkipSpaces(place),
        '+' => place,
        _ => trimsNewline && place < _source.Length && _source[place] == '\n' ? place + 1 : place,
    };

    private void ReadTag(bool isBlock)
    {
        var end = isBlock ? "%}" : "}}";
        var open = new Stack<char>();
        while (true)
        {
            MoveTo(SkipSpaces(_place));
            if (_place == _source.Length)
                return; // The parser says what it waited for.
            var sign = _source[_place] == '-' || (isBlock && _source[_place] == '+') ? _source[_place] : '\0';
            var length = sign == '\0' ? 0 : 1;
            if (open.Count == 0 && string.CompareOrdinal(_source, _place + length, end, 0, 2) == 0)
            {
                Emit(isBlock ? JinjaTokenKind.BlockEnd : JinjaTokenKind.VariableEnd, end);
                MoveTo(AfterEnd(_place + length + 2, sign, isBlock));
                return;
            }
            ReadToken(open);
        }
    }

    private void ReadToken(Stack<char> open)
    {
        var c = _source[_place];
        if (c is '\'' or '"')
            ReadText(c);
        else if (char.IsAsciiDigit(c))
            ReadNumber();
        else if (char.IsLetter(c) || c == '_')
        {
            var end = _place;
            while (end < _source.Length && (char.IsLetterOrDigit(_source[end]) || _source[end] == '_'))
                end++;
            EmitTo(JinjaTokenKind.Name, end);
        }
        else
        {
            var text = Array.Find(Operators, o => string.CompareOrdinal(_source, _place, o, 0, o.Length) == 0)
                ?? throw Error($"unexpected char {PythonText.Quote(c.ToString())}");
            if (text is "(" or "[" or "{")
                open.Push(text == "(" ? ')' : text == "[" ? ']' : '}');
            else if (text is ")" or "]" or "}" && (open.Count == 0 || open.Pop() != text[0]))
                throw Error($"unexpected '{text}'");
            EmitTo(JinjaTokenKind.Operator, _place + text.Length);
        }
    }

    private void ReadNumber()
    {
        var isFloat = false;
        var end = Digits(_place);
        if (_source[_place] == '0' && end < _source.Length && "xXoObB".Contains(_source[end]) && end == _place + 1)
        {
            ReadRadixNumber(char.ToLowerInvariant(_source[end]));
            return;
        }
        if (_place == 0 || _source[_place - 1] != '.')
        {
            if (end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]))
                (end, isFloat) = (Digits(end + 1), true);
            var exponent = end < _source.Length && _source[end] is 'e' or 'E' ? end + 1 : _source.Length;
            if (exponent < _source.Length && _source[exponent] is '+' or '-')
                exponent++;
            if (exponent < _source.Length && char.IsAsciiDigit(_source[exponent]))
                (end, isFloat) = (Digits(exponent), true);
        }
        var start = _place;
        EmitTo(isFloat ? JinjaTokenKind.Float : JinjaTokenKind.Integer, end);
        _tokens[^1] = _tokens[^1] with { Value = _source[start..end].Replace("_", "") };
    }

    // 0x1f, 0o17, 0b11.
    private void ReadRadixNumber(char radix)
    {
        var bits = radix switch { 'x' => 4, 'o' => 3, _ => 1 };
        var value = BigInteger.Zero;
        var end = _place + 2;
        for (; end < _source.Length
            && end - _place <= MaxDigits
            && (_source[end] == '_' || (char.IsAsciiHexDigit(_source[end])
            && Convert.ToInt32(_source[end].ToString(), 16) < 1 << bits)); end++)
            if (_source[end] != '_')
                value = (value << bits) + Convert.ToInt32(_source[end].ToString(), 16);
        if (end == _place + 2 || end - _place > MaxDigits)
            throw Error($"a number after 0{radix} has from one to {MaxDigits} digits");
        Emit(JinjaTokenKind.Integer, PythonText.Number(value));
        MoveTo(end);
    }

    private int Digits(int place)
    {
        while (place < _source.Length && (char.IsAsciiDigit(_source[place]) || (_source[place] == '_'
            && place + 1 < _source.Length && char.IsAsciiDigit(_source[place + 1]))))
            place++;
        return place;
    }

    private void ReadText(char quote)
    {
        var text = new StringBuilder();
        var i = _place + 1;
        while (i < _source.Length && _source[i] != quote)
        {
            if (_source[i] == '\\' && i + 1 < _source.Length)
                i = JinjaEscapes.Read(_source, i + 1, text, _line);
            else
                text.Append(_source[i++]);
        }
        if (i == _source.Length)
            throw Error("a text in quotes has no end");
        Emit(JinjaTokenKind.Text, text.ToString());
        MoveTo(i + 1);
    }

    private int SkipSpaces(int place)
    {
        while (place < _source.Length && PythonText.IsSpace(_source[place]))
            place++;
        return place;
    }

    private void Emit(JinjaTokenKind kind, string value)
    {
        if (value.Length > 0 || kind != JinjaTokenKind.Data)
            _tokens.Add(new JinjaToken(kind, value, _line));
    }

    private void EmitTo(JinjaTokenKind kind, int end)
    {
        Emit(kind, _source[_place..end]);
        MoveTo(end);
    }

    private void MoveTo(int place)
    {
        _line += _source.AsSpan(_place, place - _place).Count('\n');
        _place = place;
    }

    private JinjaException Error(string reason) => new(reason, _line);
}
