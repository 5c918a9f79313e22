namespace ElmMlx.Datasets;

/// <summary>
/// Puts rows into sequences of one length, longest rows first, each into the first sequence that has room for it.
/// </summary>
internal static class RowPacking
{
    /// <returns>For each sequence its rows; every row is in exactly one.</returns>
    public static int[][] Pack(IReadOnlyList<int> lengths, int maxLength)
    {
        var sequences = new List<List<int>>();
        var room = new RoomTree(lengths.Count, maxLength);
        foreach (int row in Enumerable.Range(0, lengths.Count).OrderByDescending(row => lengths[row]))
        {
            if (lengths[row] > maxLength)
                throw new ArgumentException(
                    $"Row {row} has {lengths[row]} tokens; a sequence has room for {maxLength}.", nameof(lengths));
            int sequence = room.Take(lengths[row]);
            if (sequence == sequences.Count)
                sequences.Add([]);
            sequences[sequence].Add(row);
        }
        return [.. sequences.Select(sequence => sequence.ToArray())];
    }

    // A tree of maxima over the sequences' free room: the first with enough is found without looking at all.
    private sealed class RoomTree
    {
        private readonly int[] _largest;
        private readonly int _leaves;

        public RoomTree(int count, int maxLength)
        {
            _leaves = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, 1));
            _largest = new int[2 * _leaves];
            Array.Fill(_largest, maxLength);
        }

        public int Take(int length)
        {
            int node = 1;
            while (node < _leaves)
            {
                node *= 2;
                if (_largest[node] < length)
                    node++;
            }
            int sequence = node - _leaves;
            _largest[node] -= length;
            while ((node /= 2) > 0)
                _largest[node] = Math.Max(_largest[2 * node], _largest[2 * node + 1]);
            return sequence;
        }
    }
}
