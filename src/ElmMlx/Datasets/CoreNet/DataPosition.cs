using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>
/// Where a shard stands: the next piece that it will look at. The order of the files follows from the seed and the
/// epoch.
/// </summary>
/// <param name="Epoch">Times that the files have been gone through.</param>
/// <param name="File">Number of the file in the epoch's order.</param>
/// <param name="Document">Number of the document in the file, from 0; blank lines are none.</param>
/// <param name="Piece">Number of the piece in the document, from 0.</param>
internal sealed record DataPosition(int Epoch = 0, int File = 0, int Document = 0, int Piece = 0)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("epoch", Epoch);
        json.WriteNumber("file", File);
        json.WriteNumber("document", Document);
        json.WriteNumber("piece", Piece);
    }

    public static DataPosition Read(JsonElement json) => new(
        json.GetProperty("epoch").GetInt32(),
        json.GetProperty("file").GetInt32(),
        json.GetProperty("document").GetInt32(),
        json.GetProperty("piece").GetInt32());
}
