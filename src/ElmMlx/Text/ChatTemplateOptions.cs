using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>What a chat template is told beside the messages.</summary>
public sealed record ChatTemplateOptions
{
    /// <summary>Ends with what begins the assistant's next answer.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>Ends in the middle of the last message, so that it is gone on with.</summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>A JSON list that describes tools; null for none.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>More variables, by name.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>The clock that <c>strftime_now</c> reads.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
