namespace ElmMlx.Datasets;

/// <summary>A conversation as one text.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Answers">Where the assistant's answers stand, with what ends them; empty unless asked for.</param>
/// <param name="EndsWithAnswer">Whether the last message is the assistant's.</param>
/// <param name="HasSpecialTokens">Whether BOS and the like stand in the text already.</param>
internal sealed record ConversationText(
    string Text, IReadOnlyList<Range> Answers, bool EndsWithAnswer, bool HasSpecialTokens);
