using System.Globalization;
using ElmMlx.Weights;

namespace ElmMlx.Training;

/// <summary>
/// The checkpoints of a run: folders named by their step, <c>checkpoints/0000100</c>. One exists under its name only
/// when it is complete: it is filled beside, flushed to disk and renamed.
/// </summary>
internal sealed class CheckpointFiles
{
    private const string Partial = ".partial-", Former = ".old-";
    private readonly string _root;

    /// <param name="runFolder">The run's folder; it need not exist.</param>
    public CheckpointFiles(string runFolder) => _root = Path.Combine(runFolder, "checkpoints");

    /// <summary>The folder of a step.</summary>
    public string FolderOf(long step) => Path.Combine(_root, step.ToString("0000000", CultureInfo.InvariantCulture));

    /// <summary>The steps that have a folder, the latest first.</summary>
    public IReadOnlyList<long> Steps() => !Directory.Exists(_root) ? []
        : [.. Directory.EnumerateDirectories(_root)
            .Select(folder => Path.GetFileName(folder))
            .Where(name => name.Length >= 7 && name.All(char.IsAsciiDigit))
            .Select(name => long.Parse(name, CultureInfo.InvariantCulture))
            .OrderDescending()];

    /// <summary>Writes a checkpoint, then deletes the ones that are too old.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="keep">How many to keep, this one included.</param>
    /// <param name="write">Fills the folder that it is given.</param>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="IOException">It could not be written; the checkpoints before it stand.</exception>
    public string Write(long step, int keep, Action<string> write)
    {
        string folder = FolderOf(step);
        string partial = Beside(folder, Partial), former = Beside(folder, Former);
        try
        {
            Directory.CreateDirectory(partial);
            write(partial);
            AtomicFile.FlushFolder(partial);
        }
        catch (Exception problem)
        {
            Remove(partial);
            if (IsFailure(problem))
                throw Failure($"The checkpoint of step {step} could not be written to {_root}", problem);
            throw;
        }
        if (Directory.Exists(folder))
            Directory.Move(folder, former);
        Directory.Move(partial, folder);
        AtomicFile.FlushFolder(_root);
        foreach (long old in Steps().Where(other => other <= step).Skip(keep))
            Discard(FolderOf(old));
        Clean();
        return folder;
    }

    /// <summary>Deletes what an interrupted write or deletion has left.</summary>
    public void Clean()
    {
        if (!Directory.Exists(_root))
            return;
        foreach (string folder in Directory.EnumerateDirectories(_root).ToList())
            if (Path.GetFileName(folder).Contains(Partial, StringComparison.Ordinal)
                || Path.GetFileName(folder).Contains(Former, StringComparison.Ordinal))
                Remove(folder);
    }

    /// <summary>
    /// Deletes the checkpoints of later steps: the run went on from this one because they are damaged.
    /// </summary>
    public void DiscardAfter(long step)
    {
        foreach (long later in Steps().Where(other => other > step))
            Discard(FolderOf(later));
    }

    /// <summary>Deletes all checkpoints, in one move as far as a reader can see.</summary>
    public void Clear()
    {
        if (!Directory.Exists(_root))
            return;
        string former = Beside(_root, Former);
        Directory.Move(_root, former);
        AtomicFile.FlushFolder(Path.GetDirectoryName(_root)!);
        Remove(former);
    }

    /// <summary>Whether a file could not be written, for want of room or of permission.</summary>
    public static bool IsFailure(Exception problem) => problem is IOException or UnauthorizedAccessException;

    /// <summary>What could not be written, why, and what there is to go on from.</summary>
    public IOException Failure(string what, Exception problem)
    {
        const int noSpaceUnix = 28, diskFullWindows = 112;
        string cause = (problem.HResult & 0xFFFF) is noSpaceUnix or diskFullWindows
            ? "the disk is full"
            : problem.Message;
        string standing = Steps() is [long last, ..]
            ? $"the checkpoint of step {last} still stands"
            : "there is no checkpoint yet";
        return new IOException(
            $"{what} ({cause.TrimEnd('.')}); {standing}. Make room, or make the folder writable, and go on with " +
                "--resume.",
            problem);
    }

    // Renamed before it is deleted, so that half of a checkpoint never has a checkpoint's name.
    private static void Discard(string folder)
    {
        string former = Beside(folder, Former);
        Directory.Move(folder, former);
        Remove(former);
    }

    private static string Beside(string path, string suffix) => path + suffix + Environment.ProcessId;

    // What cannot be deleted now is in nobody's way, and is tried again with the next checkpoint.
    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
        }
        catch (UnauthorizedAccessException)
        {
        }
    }
}
