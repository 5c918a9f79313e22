using System.Collections.Concurrent;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Every case of the golden data of MLX itself, one row a C function, on the provider that <c>ELMMLX_PROVIDER</c>
/// chooses.
/// </summary>
[Collection(GradientCollection.Name)]
public sealed class OpsReplayTests(OpsReplayTests.Totals totals) : IClassFixture<OpsReplayTests.Totals>
{
    public static TheoryData<string> Operations => [.. GoldenCases.Operations];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Operation_replayed_gives_what_MLX_gave(string operation)
    {
        var failures = new List<string>();
        var missing = new HashSet<string>();
        foreach (GoldenCase golden in GoldenCases.Of(operation))
        {
            ReplayResult result = GoldenReplay.Run(golden);
            totals.Add(result);
            missing.UnionWith(result.NotImplemented);
            if (result.Failures.Count > 0)
                failures.Add($"{golden.Name}: {string.Join("; ", result.Failures.Take(4))}");
        }

        failures.AddRange(missing.Select(function => $"{function} is not implemented"));
        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures.Take(40)));
    }

    /// <summary>Counts over all rows, printed when the last one has run.</summary>
    public sealed class Totals : IDisposable
    {
        private readonly ConcurrentDictionary<string, int> _missing = new();
        private int _nReplayed, _nMissing, _nFailed;

        public void Dispose()
        {
            string missing = string.Join(
                ", ", _missing.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key} {pair.Value}"));
            // Test output is hidden: build.sh prints the file.
            File.WriteAllText(
                Path.Combine(AppContext.BaseDirectory, "golden-replay.txt"),
                $"golden data on {RuntimeLoader.Info.Kind}: {_nReplayed} of {GoldenCases.Count} cases replayed, "
                + $"{_nMissing} not implemented here{(missing == "" ? "" : $" ({missing})")}, {_nFailed} failed\n");
        }

        internal void Add(ReplayResult result)
        {
            foreach (string function in result.NotImplemented)
                _missing.AddOrUpdate(function, 1, (_, count) => count + 1);
            if (result.Failures.Count > 0)
                Interlocked.Increment(ref _nFailed);
            else if (result.NotImplemented.Count > 0)
                Interlocked.Increment(ref _nMissing);
            else
                Interlocked.Increment(ref _nReplayed);
        }
    }
}
