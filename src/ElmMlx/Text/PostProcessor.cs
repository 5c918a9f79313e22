using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>
/// What a <c>tokenizer.json</c> puts around the ids of a text: special tokens, then truncation and padding.
/// </summary>
internal sealed class PostProcessor
{
    private const int MaxPadded = 1 << 24;

    // Null stands for the ids of the text.
    private readonly List<int?> _template = [null];
    private readonly int? _maxLength;
    private readonly bool _truncatesLeft;
    private readonly int _padTo;
    private readonly int _padMultiple = 1;
    private readonly int _padId;
    private readonly bool _padsLeft;

    private PostProcessor(JsonElement? processor, JsonElement? truncation, JsonElement? padding)
    {
        (_template, MissingToken) = ReadTemplate(processor);
        if (truncation is { ValueKind: not JsonValueKind.Null } t)
        {
            _maxLength = JsonIds.Read(t.GetProperty("max_length"), "truncation");
            _truncatesLeft = t.TryGetProperty("direction", out var d) && d.GetString() == "Left";
            var stride = t.TryGetProperty("stride", out var s) ? JsonIds.Read(s, "truncation's stride") : 0;
            if (stride > 0 && stride >= _maxLength)
                throw new FormatException(
                    $"truncates to {_maxLength} tokens with a stride of {stride}; the stride has to be smaller");
        }
        if (padding is not { ValueKind: not JsonValueKind.Null } p)
            return;
        _padId = JsonIds.Read(p.GetProperty("pad_id"), "padding");
        _padsLeft = p.TryGetProperty("direction", out var direction) && direction.GetString() == "Left";
        var strategy = p.GetProperty("strategy");
        if (strategy.ValueKind == JsonValueKind.Object)
            _padTo = JsonIds.Read(strategy.GetProperty("Fixed"), "padding");
        if (p.TryGetProperty("pad_to_multiple_of", out var multiple) && multiple.ValueKind != JsonValueKind.Null)
            _padMultiple = Math.Max(1, JsonIds.Read(multiple, "padding"));
        if (_padTo > MaxPadded || _padMultiple > MaxPadded)
            throw new FormatException($"pads every text to more than {MaxPadded} tokens; set padding to null");
    }

    /// <summary>True where the file itself says what belongs around a text.</summary>
    public bool HasTemplate => _template.Count > 1 || MissingToken is not null;

    /// <summary>A special token that the template uses and does not define.</summary>
    public string? MissingToken { get; }

    public static PostProcessor Read(JsonElement? processor, JsonElement? truncation, JsonElement? padding) =>
        new(processor, truncation, padding);

    public List<int> Apply(List<int> ids, bool addSpecialTokens)
    {
        var added = addSpecialTokens ? _template.Count - 1 : 0;
        if (_maxLength is int max && ids.Count > Math.Max(0, max - added))
        {
            var keep = Math.Max(0, max - added);
            ids = _truncatesLeft ? ids[^keep..] : ids[..keep];
        }
        if (added > 0)
            ids = [.. _template.SelectMany(t => t is int id ? [id] : (IEnumerable<int>)ids)];
        var length = Math.Max(_padTo, ids.Count);
        length = (length + _padMultiple - 1) / _padMultiple * _padMultiple;
        if (length > ids.Count)
        {
            var pads = Enumerable.Repeat(_padId, length - ids.Count);
            ids = _padsLeft ? [.. pads, .. ids] : [.. ids, .. pads];
        }
        return ids;
    }

    private static (List<int?> Template, string? Missing) ReadTemplate(JsonElement? json)
    {
        if (json is not { ValueKind: not JsonValueKind.Null } item)
            return ([null], null);
        var type = item.GetProperty("type").GetString();
        switch (type)
        {
            case "ByteLevel":
                return ([null], null);
            case "Sequence":
                List<int?> whole = [null];
                string? missing = null;
                foreach (var part in item.GetProperty("processors").EnumerateArray())
                {
                    var (template, lacking) = ReadTemplate(part);
                    missing ??= lacking;
                    whole = [.. template.SelectMany(t => t is null ? whole : [t])];
                }
                return (whole, missing);
            case "BertProcessing" or "RobertaProcessing":
                return ([TokenId(item, "cls"), null, TokenId(item, "sep")], null);
            case "TemplateProcessing":
                return ReadTemplateProcessing(item);
            default:
                throw new FormatException($"has the post-processor {type}, which is not supported");
        }
    }

    private static int TokenId(JsonElement item, string name) => JsonIds.Read(item.GetProperty(name)[1], name);

    private static (List<int?> Template, string? Missing) ReadTemplateProcessing(JsonElement item)
    {
        var template = new List<int?>();
        string? missing = null;
        item.TryGetProperty("special_tokens", out var tokens);
        foreach (var piece in item.GetProperty("single").EnumerateArray())
        {
            if (piece.TryGetProperty("Sequence", out _))
            {
                template.Add(null);
                continue;
            }
            var name = piece.GetProperty("SpecialToken").GetProperty("id").GetString() ?? "";
            if (tokens.ValueKind == JsonValueKind.Object && tokens.TryGetProperty(name, out var token))
                template.AddRange(token.GetProperty("ids").EnumerateArray().Select(i => (int?)JsonIds.Read(i, name)));
            else
                missing ??= name;
        }
        return (template, missing);
    }
}
