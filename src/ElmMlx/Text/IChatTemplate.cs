using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>Writes a conversation as one text, the way a model was taught.</summary>
public interface IChatTemplate
{
    /// <summary>The text of a conversation, special tokens included.</summary>
    /// <param name="messages">Objects with <c>role</c> and <c>content</c>.</param>
    /// <param name="options">What else the template is told.</param>
    /// <exception cref="InvalidDataException">The template refuses the messages.</exception>
    string Render(IReadOnlyList<JsonElement> messages, ChatTemplateOptions options);
}
