using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>Token ids to measure with.</summary>
internal static class RandomIds
{
    /// <summary>The same ids every time.</summary>
    public static int[] Of(OpenElmConfig config, int count)
    {
        Random random = new(7);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(config.VocabularySize))];
    }
}
