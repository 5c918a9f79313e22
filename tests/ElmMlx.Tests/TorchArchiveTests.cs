using System.Security.Cryptography;
using System.Text.Json;
using ElmMlx.Checkpoints.Torch;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Every container that CoreNet and PyTorch write gives the tensors of its <c>tensors.json</c>, byte by byte.
/// </summary>
public sealed class TorchArchiveTests
{
    public static TheoryData<string> Files()
    {
        var files = new TheoryData<string>();
        foreach (string folder in (string[])["corenet/containers", "corenet/micro", "corenet/lora"])
            foreach (string file in Directory.EnumerateFiles(Fixtures.Path(folder), "*.pt").Order())
                files.Add(folder + "/" + Path.GetFileName(file));
        foreach (string folder in Directory.EnumerateDirectories(Fixtures.Path("corenet/variants")).Order())
            files.Add($"corenet/variants/{Path.GetFileName(folder)}/checkpoint.pt");
        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Archive_gives_the_tensors_of_its_list(string file)
    {
        string path = Fixtures.Path(file);
        using var document =
            JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(path)!, "tensors.json")));
        JsonElement expected = document.RootElement.TryGetProperty(Path.GetFileName(path), out JsonElement listed)
            ? listed
            : document.RootElement;
        using TorchArchive archive = TorchArchive.Open(path);
        int compared = 0;
        if (expected.TryGetProperty("model_state_dict", out JsonElement model))
        {
            compared += Compare(archive, (PickleDict)archive.Root["model_state_dict"]!, model);
            compared += Compare(
                archive, (PickleDict)archive.Root["ema_state_dict"]!, expected.GetProperty("ema_state_dict"));
        }
        else
        {
            compared = Compare(archive, archive.Root, expected);
        }
        Assert.True(compared > 0);
    }

    [Fact]
    public void Demo_checkpoint_is_read()
    {
        using TorchArchive archive = TorchArchive.Open(Fixtures.Demo("openelm-demo.pt"));
        var embedding = Assert.IsType<TorchTensor>(archive.Root["token_embeddings.weight"]);
        Assert.Equal([2176L, 192L], embedding.Shape);
        Assert.Equal(TensorType.Float16, embedding.Type);
    }

    [Fact]
    public void Pieces_give_the_same_bytes_as_the_whole()
    {
        string path = Fixtures.Path("corenet/containers/views.pt");
        using TorchArchive archive = TorchArchive.Open(path);
        foreach (KeyValuePair<object, object?> entry in archive.Root.Entries)
        {
            if (entry.Value is not TorchTensor { IsContiguous: true } tensor)
                continue;
            var whole = new byte[tensor.ByteCount];
            archive.Read(tensor, 0, whole);
            var pieces = new byte[tensor.ByteCount];
            for (int i = 0; i < pieces.Length; i += 100)
                archive.Read(tensor, i, pieces.AsSpan(i, Math.Min(100, pieces.Length - i)));
            Assert.Equal(whole, pieces);
        }
    }

    [Theory]
    [InlineData("", 0x00000000u)]
    [InlineData("123456789", 0xCBF43926u)] // the check value of CRC-32/ISO-HDLC
    [InlineData("The quick brown fox jumps over the lazy dog", 0x414FA339u)]
    public void Crc32_equals_the_published_values(string text, uint expected)
    {
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(text);
        Assert.Equal(expected, Crc32.Append(0, bytes));
        for (int cut = 0; cut <= bytes.Length; cut++)
            Assert.Equal(expected, Crc32.Append(Crc32.Append(0, bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
    }

    [Fact]
    public void Crc32_of_many_lengths_equals_the_bitwise_formula()
    {
        var random = new Random(7);
        for (int length = 0; length < 700; length += 13)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            uint expected = 0xFFFFFFFF;
            foreach (byte b in bytes)
            {
                expected ^= b;
                for (int bit = 0; bit < 8; bit++)
                    expected = (expected & 1) != 0 ? 0xEDB88320 ^ expected >> 1 : expected >> 1;
            }
            Assert.Equal(~expected, Crc32.Append(0, bytes));
        }
    }

    private static int Compare(TorchArchive archive, PickleDict state, JsonElement expected)
    {
        int count = 0;
        foreach (JsonProperty property in expected.EnumerateObject())
        {
            var tensor = Assert.IsType<TorchTensor>(state[property.Name]);
            Assert.Equal(property.Value.GetProperty("dtype").GetString(), tensor.Type.Name());
            Assert.Equal(property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()), tensor.Shape);
            var bytes = new byte[tensor.ByteCount];
            archive.Read(tensor, 0, bytes);
            Assert.True(
                property.Value.GetProperty("sha256").GetString() == Convert.ToHexStringLower(SHA256.HashData(bytes)),
                property.Name);
            count++;
        }
        return count;
    }
}
