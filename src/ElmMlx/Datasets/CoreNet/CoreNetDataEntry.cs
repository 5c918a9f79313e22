namespace ElmMlx.Datasets;

/// <summary>One entry of a data list: files that differ in a number, and share the key of their texts.</summary>
/// <param name="FileName">
/// The files' names; <c>{file_id}</c> or <c>{file_id:05d}</c>, in Python's notation, stands for the number.
/// </param>
/// <param name="TextKey">The JSON key, or the parquet column, of the text.</param>
/// <param name="FirstId">The first number.</param>
/// <param name="EndId">The number behind the last one.</param>
public sealed record CoreNetDataEntry(string FileName, string TextKey, int FirstId, int EndId)
{
    /// <exception cref="InvalidDataException">The name or the range is none.</exception>
    internal IEnumerable<DataFile> Files()
    {
        if (FirstId < 0 || EndId <= FirstId)
            throw new InvalidDataException(
                $"{FileName}: file_id_range is [{FirstId}, {EndId}]; it must be two numbers, the first at " +
                "least 0 and the second, which is not used itself, larger.");
        for (int id = FirstId; id < EndId; id++)
            yield return new DataFile(NameOf(id), TextKey);
    }

    private string NameOf(int id)
    {
        try
        {
            return PythonFormat.Format(FileName, "file_id", id);
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"file_name '{FileName}': {e.Message}.", e);
        }
    }
}
