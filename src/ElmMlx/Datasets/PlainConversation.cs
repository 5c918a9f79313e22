using System.Text;
using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>
/// A conversation for tokenizers without a chat template, as mlx-lm's server writes it: <c>USER: …</c>,
/// <c>ASSISTANT: …</c>, a line each.
/// </summary>
internal static class PlainConversation
{
    private const string Answer = "ASSISTANT:";

    private static readonly Dictionary<string, string> Prefixes = new()
    {
        ["system"] = "ASSISTANT's RULE: ",
        ["user"] = "USER: ",
        ["assistant"] = Answer + " ",
    };

    public static ConversationText Render(IReadOnlyList<JsonElement> messages)
    {
        var text = new StringBuilder();
        var answers = new List<Range>();
        for (int i = 0; i < messages.Count; i++)
        {
            string role = ConversationMessages.RoleOf(messages[i]);
            int start = text.Length;
            text.Append(Prefixes.GetValueOrDefault(role, "")).Append(ConversationMessages.TextOf(messages[i], i + 1));
            if (role == "assistant")
                answers.Add((start + Answer.Length)..text.Length);
            if (i < messages.Count - 1)
                text.Append('\n');
        }
        bool endsWithAnswer = ConversationMessages.RoleOf(messages[^1]) == "assistant";
        return new ConversationText(text.ToString(), answers, endsWithAnswer, HasSpecialTokens: false);
    }
}
