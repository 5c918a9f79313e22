namespace ElmMlx.Text;

/// <summary>
/// Which two characters stand side by side in some piece. Where two neighbours of a text never do, no merge can cross,
/// so the text may be cut there without changing one id: that makes words of it, and words can be cached.
/// </summary>
internal sealed class PieceBoundaries(uint space)
{
    private const int SpaceIndex = 128;
    private const int Width = 129;

    private readonly bool[] _near = new bool[Width * Width];
    private readonly HashSet<ulong> _far = [];

    public void Add(uint left, uint right)
    {
        int i = Index(left), j = Index(right);
        if (i >= 0 && j >= 0)
            _near[i * Width + j] = true;
        else
            _far.Add(((ulong)left << 32) | right);
    }

    public bool CanJoin(uint left, uint right)
    {
        int i = Index(left), j = Index(right);
        return i >= 0 && j >= 0 ? _near[i * Width + j] : _far.Contains(((ulong)left << 32) | right);
    }

    private int Index(uint character) => character < SpaceIndex ? (int)character : character == space ? SpaceIndex : -1;
}
