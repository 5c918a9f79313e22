using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Training;

namespace ElmMlx.Preference;

/// <summary>How likely a model finds answers.</summary>
internal static class AnswerLogProbs
{
    /// <summary>The log-probability of each row's answer: the sum over its tokens, the prompt's take no part.</summary>
    /// <returns>[B], float32.</returns>
    public static MlxArray Of(OpenElmModel model, Batch batch) => -LanguageModelLoss.TokenLosses(model, batch).Sum(-1);
}
