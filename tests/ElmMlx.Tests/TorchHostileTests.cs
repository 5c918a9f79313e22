using System.Text.Json;
using ElmMlx.Checkpoints.Torch;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Broken and malicious checkpoints end in one sentence: nothing is run, nothing large is allocated.</summary>
public sealed class TorchHostileTests
{
    private const long MaxAllocatedBytes = 64 << 20;

    public static TheoryData<string> Files()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("corenet/hostile/manifest.json")));
        var files = new TheoryData<string>();
        foreach (JsonElement file in document.RootElement.GetProperty("files").EnumerateArray())
            files.Add(file.GetProperty("name").GetString()!);
        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Hostile_file_is_refused_in_one_sentence(string name)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidDataException>(() => ReadAll(Fixtures.Path("corenet/hostile/" + name)));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < MaxAllocatedBytes, $"{allocated} bytes were allocated");
        Assert.Contains(name, error.Message);
        Assert.EndsWith(".", error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.False(File.Exists("PWNED"));
    }

    [Theory]
    [InlineData("control.pt")]
    [InlineData("control_legacy.pt")]
    public void Control_file_loads(string name)
    {
        using TorchArchive archive = TorchArchive.Open(Fixtures.Path("corenet/hostile/" + name));
        var tensor = Assert.IsType<TorchTensor>(archive.Root["weight"]);
        Assert.Equal([2L, 3L], tensor.Shape);
        var values = new float[6];
        archive.Read(tensor, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        Assert.Equal([1, 2, 3, 4, 5, 6], values);
    }

    [Theory]
    [InlineData("corenet/hostile/control.pt", 1)]
    [InlineData("corenet/hostile/control_legacy.pt", 2)]
    [InlineData("corenet/containers/protocol4.pt", 3)]
    public void Changed_bytes_never_escape_as_another_error(string file, int seed)
    {
        byte[] original = File.ReadAllBytes(Fixtures.Path(file));
        var random = new Random(seed);
        string path = Path.Combine(Path.GetTempPath(), $"elmmlx-mutation-{Guid.NewGuid():N}.pt");
        try
        {
            for (int i = 0; i < 1500; i++)
            {
                byte[] changed = [.. original];
                for (int changes = random.Next(1, 4); changes > 0; changes--)
                    changed[random.Next(Math.Min(changed.Length, 4096))] = (byte)random.Next(256);
                File.WriteAllBytes(path, random.Next(8) == 0 ? changed[..random.Next(changed.Length)] : changed);
                try
                {
                    ReadAll(path);
                }
                catch (InvalidDataException)
                {
                    // refused, as most changes should be
                }
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void ReadAll(string path)
    {
        using TorchArchive archive = TorchArchive.Open(path);
        foreach (KeyValuePair<object, object?> entry in archive.Root.Entries)
            if (entry.Value is TorchTensor tensor)
                archive.Read(tensor, 0, new byte[tensor.ByteCount]);
    }
}
