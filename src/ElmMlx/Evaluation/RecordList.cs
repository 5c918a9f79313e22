using System.Text.Json;
using ElmMlx.Datasets;

namespace ElmMlx.Evaluation;

/// <summary>Reads the records of a data file as items of one kind.</summary>
internal static class RecordList
{
    /// <summary>The first items of a file.</summary>
    /// <param name="path">A file of <see cref="DataRecords.Extensions"/>.</param>
    /// <param name="read">Makes an item; a <see cref="FormatException"/> says what the record lacks.</param>
    /// <param name="limit">Items to read; −1 takes all.</param>
    /// <param name="skipped">Where given, gets a sentence for each bad record, which is then left out.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A record is bad, or there is none.</exception>
    public static List<T> Read<T>(string path, Func<JsonElement, T> read, int limit, ICollection<string>? skipped)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no data file {path}.", path);
        List<T> items = [];
        foreach (DataRecord record in DataRecords.Read(path))
        {
            if (limit >= 0 && items.Count >= limit)
                break;
            try
            {
                items.Add(record.Defect is { } defect ? throw new FormatException(defect) : read(record.Value));
            }
            catch (FormatException e)
            {
                string sentence = $"{path}, line {record.Line}: {e.Message}";
                if (skipped is null)
                    throw new InvalidDataException($"{sentence} Correct the line, or skip bad lines.", e);
                skipped.Add(sentence);
            }
        }
        return items.Count > 0 ? items : throw new InvalidDataException($"{path} holds nothing to measure.");
    }
}
