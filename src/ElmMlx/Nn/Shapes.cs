namespace ElmMlx.Nn;

/// <summary>Shapes as text, for messages.</summary>
internal static class Shapes
{
    public static string Text(ReadOnlySpan<int> shape)
    {
        var text = new System.Text.StringBuilder("[");
        for (int i = 0; i < shape.Length; i++)
            text.Append(i == 0 ? "" : ", ").Append(shape[i]);
        return text.Append(']').ToString();
    }
}
