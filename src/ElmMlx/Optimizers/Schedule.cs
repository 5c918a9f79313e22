using System.Text;
using System.Text.Json;

namespace ElmMlx.Optimizers;

/// <summary>
/// A learning rate as a pure function of the number of finished updates. It can be described as JSON (which is
/// YAML too) and rebuilt from that. A plain number is a rate that stays.
/// </summary>
public abstract class Schedule
{
    /// <summary>The rate of the update that comes after <paramref name="step"/> finished ones.</summary>
    /// <param name="step">0 for the first update.</param>
    public abstract double At(long step);

    /// <summary>
    /// A number for a rate that stays; otherwise a dictionary with MLX's <c>name</c> and options, as
    /// <see cref="FromDescription"/> reads it.
    /// </summary>
    public abstract object Describe();

    /// <summary>A rate that stays.</summary>
    public static implicit operator Schedule(double rate) => new ConstantSchedule(rate);

    /// <summary>Builds a schedule from a description.</summary>
    /// <param name="description">
    /// A number, or a mapping with a <c>name</c>. Its options stand beside it under MLX's names
    /// (<c>{name: cosine_decay, init: 1e-3, decay_steps: 100}</c>), or in order in a list <c>arguments</c>,
    /// with <c>warmup</c> steps from <c>warmup_init</c>, as mlx-lm's <c>lr_schedule</c> has them. Values may be
    /// numbers, text that spells one, lists, dictionaries, a <see cref="JsonElement"/> or a YAML node.
    /// </param>
    /// <exception cref="ArgumentException">It describes no schedule; the message names the option.</exception>
    public static Schedule FromDescription(object? description) => ScheduleReader.Read(description);

    /// <summary>Builds a schedule from the text that <see cref="ToJson"/> gave.</summary>
    /// <exception cref="ArgumentException">It describes no schedule.</exception>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static Schedule FromJson(string json)
    {
        using var document = JsonDocument.Parse(json);
        return FromDescription(document.RootElement);
    }

    /// <summary>The description as one line of JSON.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
            WriteTo(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Writes the description as a JSON value.</summary>
    public void WriteTo(Utf8JsonWriter writer) => Write(writer, Describe());

    private static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case double number: writer.WriteNumberValue(number); break;
            case long whole: writer.WriteNumberValue(whole); break;
            case string text: writer.WriteStringValue(text); break;
            case IReadOnlyDictionary<string, object?> options:
                writer.WriteStartObject();
                foreach ((string name, object? option) in options)
                {
                    writer.WritePropertyName(name);
                    Write(writer, option);
                }
                writer.WriteEndObject();
                break;
            case IEnumerable<object> list:
                writer.WriteStartArray();
                foreach (object item in list)
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            default: throw new InvalidOperationException($"a schedule describes itself with a {value?.GetType().Name}");
        }
    }
}
