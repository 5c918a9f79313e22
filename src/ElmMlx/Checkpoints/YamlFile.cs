using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Checkpoints;

/// <summary>
/// A configuration as a tree of YAML nodes. Anchors are shared, never copied, so they cannot unfold.
/// </summary>
internal static class YamlFile
{
    private const long MaxBytes = 1 << 20;
    private const int MaxDepth = 64;
    private const int MaxEvents = 200_000;

    /// <summary>The root of the file's only document.</summary>
    /// <exception cref="InvalidDataException">
    /// It is not YAML, or larger or deeper than a configuration can be.
    /// </exception>
    public static YamlNode Read(string path)
    {
        if (new FileInfo(path).Length > MaxBytes)
            throw new InvalidDataException($"{path} is larger than a configuration can be (1 MiB).");
        string text = File.ReadAllText(path);
        try
        {
            CheckSize(text, path);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents.Count == 1
                ? stream.Documents[0].RootNode
                : throw new InvalidDataException($"{path} holds {stream.Documents.Count} YAML documents; a " +
                    "configuration is one.");
        }
        catch (YamlException e)
        {
            throw new InvalidDataException($"{path} is not valid YAML (line {e.Start.Line}).", e);
        }
        catch (InvalidOperationException e)     // what the parser says to some brackets that are not closed
        {
            throw new InvalidDataException($"{path} is not valid YAML.", e);
        }
    }

    /// <summary>One entry of a mapping; null where there is none.</summary>
    public static YamlNode? Child(YamlNode? node, string name) =>
        node is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode(name), out YamlNode? child)
            ? child
            : null;

    /// <summary>A scalar's text; null where there is none, or YAML's null.</summary>
    public static string? Text(YamlNode? node) =>
        node is YamlScalarNode { Value: { Length: > 0 } text } && text is not ("null" or "~") ? text : null;

    // The loader recurses, and hashes keys: depth is bounded, and self-reference and keys that are not plain are
    // refused, first by the parser, which does not.
    private static void CheckSize(string text, string path)
    {
        var parser = new Parser(new StringReader(text));
        var open = new Stack<(string? Anchor, bool IsMapping, int Children)>();
        for (int events = 0; parser.MoveNext(); events++)
        {
            if (parser.Current is MappingEnd or SequenceEnd)
            {
                open.Pop();
                continue;
            }
            if (parser.Current is not NodeEvent and not AnchorAlias)
                continue;
            if (open.TryPop(out var parent))
            {
                if (parent is { IsMapping: true } && parent.Children % 2 == 0 && parser.Current is not Scalar)
                    throw new InvalidDataException($"{path} has a key that is not a plain text (line " +
                        $"{parser.Current.Start.Line}).");
                open.Push(parent with { Children = parent.Children + 1 });
            }
            if (parser.Current is AnchorAlias alias && open.Any(container => container.Anchor == alias.Value.Value))
                throw new InvalidDataException($"{path} has a value that contains itself (line {alias.Start.Line}).");
            if (parser.Current is MappingStart or SequenceStart)
            {
                var anchor = ((NodeEvent)parser.Current).Anchor;
                open.Push((anchor.IsEmpty ? null : anchor.Value, parser.Current is MappingStart, 0));
            }
            if (open.Count > MaxDepth || events > MaxEvents)
                throw new InvalidDataException($"{path} is nested too deeply or too long for a configuration.");
        }
    }
}
