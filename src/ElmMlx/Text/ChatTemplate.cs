using System.Text.Json;
using ElmMlx.Text.Jinja;

namespace ElmMlx.Text;

/// <summary>The chat template of a model folder: Jinja2, rendered as transformers renders it.</summary>
public sealed class ChatTemplate : IChatTemplate
{
    // The blank at its end shows whether the template trims what it writes.
    private const string ContinueMarker = "\uE0FFcontinue\uE0FF ";

    private readonly Dictionary<string, JinjaTemplate> _templates;
    private readonly Dictionary<string, string> _specialTokens;
    private readonly string _name;

    internal ChatTemplate(string name, Dictionary<string, string> sources, Dictionary<string, string> specialTokens)
    {
        _name = name;
        _specialTokens = specialTokens;
        _templates = sources.ToDictionary(
            source => source.Key,
            source => new JinjaTemplate(source.Value, sources.Count == 1 ? name : $"{name}, template '{source.Key}'"));
    }

    /// <summary>The chat template of a model folder; null where it has none.</summary>
    /// <param name="folder">The folder, with <c>chat_template.jinja</c>, <c>chat_template.json</c> or a
    /// <c>chat_template</c> in <c>tokenizer_config.json</c>; the first of these counts.</param>
    /// <exception cref="InvalidDataException">A file cannot be read, or the template is none.</exception>
    public static ChatTemplate? Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ChatTemplateFiles.Load(folder);
    }

    /// <summary>A chat template from its text.</summary>
    /// <param name="template">The template, in Jinja2's language.</param>
    /// <param name="specialTokens">Tokens by the names that templates know: <c>bos_token</c>, <c>eos_token</c>…</param>
    /// <exception cref="InvalidDataException">It is no template.</exception>
    public static ChatTemplate Parse(string template, IReadOnlyDictionary<string, string>? specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        return new ChatTemplate(
            "the chat template", new Dictionary<string, string> { ["default"] = template },
            new Dictionary<string, string>(specialTokens ?? new Dictionary<string, string>()));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A final message is to be gone on with, and a next one begun.</exception>
    public string Render(IReadOnlyList<JsonElement> messages, ChatTemplateOptions options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ArgumentNullException.ThrowIfNull(options);
        if (options is { AddGenerationPrompt: true, ContinueFinalMessage: true })
            throw new ArgumentException(
                "ContinueFinalMessage ends in the last message, AddGenerationPrompt behind it; choose one.",
                nameof(options));
        var final = "";
        var text = Choose(options).Render(options.Clock, scope =>
        {
            foreach (var (name, token) in _specialTokens)
                scope.Set(name, token);
            scope.Set("documents", null);
            scope.Set("tools", null);
            foreach (var (name, value) in options.Variables)
                scope.Set(name, JinjaJson.Read(value));
            if (options.Tools is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } tools)
                scope.Set("tools", JinjaJson.Read(tools));
            object?[] values = [.. messages.Select(ReadMessage)];
            if (options.ContinueFinalMessage)
                final = Mark(values);
            scope.Set("messages", JinjaSequence.List(values));
            scope.Set("add_generation_prompt", options.AddGenerationPrompt);
        });
        return options.ContinueFinalMessage ? CutAtMarker(text, final) : text;
    }

    // As in transformers, a key that is null counts as missing.
    private static object? ReadMessage(JsonElement json)
    {
        if (JinjaJson.Read(json) is not JinjaMapping message)
            throw new JinjaException("a message is no object");
        var present = new JinjaMapping();
        foreach (var (key, value) in message.Entries.Where(entry => entry.Value is not null))
            present.Set(key, value);
        return present;
    }

    private JinjaTemplate Choose(ChatTemplateOptions options)
    {
        var hasTools = options.Tools is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) };
        if (hasTools && _templates.TryGetValue("tool_use", out var template))
            return template;
        return _templates.TryGetValue("default", out template) ? template : throw new InvalidDataException(
            $"{_name} has several chat templates ({string.Join(", ", _templates.Keys)}), and none is named default; " +
                "name one so.");
    }

    // Puts the marker behind the last message's text, and returns that text.
    private static string Mark(object?[] messages)
    {
        if (messages is not [.., JinjaMapping last])
            throw new JinjaException("there is no message to go on with");
        last.TryGet("content", out var content);
        if (content is string text)
        {
            last.Set("content", text + ContinueMarker);
            return text;
        }
        foreach (var part in content is JinjaSequence list ? list.Items.Reverse().OfType<JinjaMapping>() : [])
        {
            if (part.TryGet("text", out var value) && value is string words)
            {
                part.Set("text", words + ContinueMarker);
                return words;
            }
        }
        throw new JinjaException("the last message has no text to go on with");
    }

    private string CutAtMarker(string text, string final)
    {
        var trimmed = ContinueMarker.TrimEnd();
        var place = text.LastIndexOf(trimmed, StringComparison.Ordinal);
        if (place < 0 || !text.Contains(PythonText.Trim(final), StringComparison.Ordinal))
            throw new InvalidDataException(
                $"{_name} does not write the last message as it is, so that message cannot be gone on with");
        return text.AsSpan(place).StartsWith(ContinueMarker)
            ? text[..place]
            : PythonText.TrimEnd(text.AsSpan(0, place)).ToString();
    }
}
