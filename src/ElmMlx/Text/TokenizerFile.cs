using System.Text.Json;
using System.Text.Unicode;

namespace ElmMlx.Text;

/// <summary>Reads a tokenizer's file whole and turns every defect into one sentence that names it.</summary>
internal static class TokenizerFile
{
    private const long MaxFileBytes = 256L << 20;
    private const int MaxDepth = 100;

    public static byte[] ReadBytes(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > MaxFileBytes)
            throw new InvalidDataException($"{path} has {length} bytes; a tokenizer has at most {MaxFileBytes}");
        return File.ReadAllBytes(path);
    }

    /// <summary>
    /// Parses JSON strictly (UTF-8, no comments, bounded depth) and reads it with <paramref name="read"/>.
    /// </summary>
    public static T Parse<T>(string path, byte[] utf8, Func<JsonElement, T> read)
    {
        if (!Utf8.IsValid(utf8))
            throw new InvalidDataException($"{path} is not UTF-8, as JSON has to be");
        return Guard(path, () =>
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return read(document.RootElement);
        });
    }

    /// <summary>Runs a reader of a file's contents; what it throws about them names the file.</summary>
    public static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (JsonException e)
        {
            var place = e.LineNumber is long line ? $" (line {line + 1}, byte {e.BytePositionInLine})" : "";
            throw new InvalidDataException($"{path} is not valid JSON{place}; fetch the file again", e);
        }
        catch (Exception e) when (e is FormatException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or OverflowException or ArgumentException
            or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"{path} holds a value of the wrong kind: {e.Message}", e);
        }
    }
}
