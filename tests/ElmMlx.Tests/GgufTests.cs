using System.Runtime.InteropServices;
using System.Text;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>GGUF files on the CPU provider; libmlxc reads them only where it was built to.</summary>
public sealed unsafe class GgufTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-gguf-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Arrays_and_facts_come_back_as_they_were()
    {
        if (TestProvider.IsMlx)
            return;
        using var arena = new NativeArena();
        GoldenTensor x = Numbers.Random(new(1), MLX_FLOAT32, 2, 3), y = Numbers.Random(new(2), MLX_FLOAT16, 5);
        mlx_io_gguf written = Mlx.mlx_io_gguf_new(), read = default;
        Mlx.mlx_io_gguf_set_array(written, arena.Text("x"), arena.New(x));
        Mlx.mlx_io_gguf_set_array(written, arena.Text("y"), arena.New(y));
        Mlx.mlx_io_gguf_set_metadata_string(written, arena.Text("name"), arena.Text("größe"));
        mlx_array numbers = arena.New(Numbers.Of(MLX_INT32, [2], [3, -4]));
        Mlx.mlx_io_gguf_set_metadata_array(written, arena.Text("sizes"), numbers);
        byte** words = stackalloc byte*[2] { arena.Text("a"), arena.Text("bc") };
        mlx_vector_string list = Mlx.mlx_vector_string_new_data(words, 2), listed = default;
        Mlx.mlx_io_gguf_set_metadata_vector_string(written, arena.Text("words"), list);
        byte* path = arena.Text(Path.Combine(_folder, "x.gguf"));
        NativeArena.Check(Mlx.mlx_save_gguf(path, written));
        NativeArena.Check(Mlx.mlx_load_gguf(&read, path, arena.Stream));

        mlx_array gotX = default, gotY = default, sizes = default;
        NativeArena.Check(Mlx.mlx_io_gguf_get_array(&gotX, read, arena.Text("x")));
        NativeArena.Check(Mlx.mlx_io_gguf_get_array(&gotY, read, arena.Text("y")));
        NativeArena.Check(Mlx.mlx_io_gguf_get_metadata_array(&sizes, read, arena.Text("sizes")));
        Assert.Equal(x.Doubles(), arena.Read(arena.Keep(gotX)).Doubles());
        Assert.Equal([2, 3], arena.Read(gotX).Shape);
        Assert.Equal(y.Doubles(), arena.Read(arena.Keep(gotY)).Doubles());
        Assert.Equal([3, -4], arena.Read(arena.Keep(sizes)).Doubles());
        mlx_string name = Mlx.mlx_string_new();
        NativeArena.Check(Mlx.mlx_io_gguf_get_metadata_string(&name, read, arena.Text("name")));
        Assert.Equal("größe", Marshal.PtrToStringUTF8((nint)Mlx.mlx_string_data(name)));
        NativeArena.Check(Mlx.mlx_io_gguf_get_metadata_vector_string(&listed, read, arena.Text("words")));
        Assert.Equal((nuint)2, Mlx.mlx_vector_string_size(listed));
        bool isThere = true;
        Assert.Equal(0, Mlx.mlx_io_gguf_has_metadata_array(&isThere, read, arena.Text("name")));
        Assert.False(isThere);
        Assert.Equal(3, Mlx.mlx_io_gguf_get_metadata_array(&sizes, read, arena.Text("name")));
        Assert.Equal(2, Mlx.mlx_io_gguf_get_array(&gotX, read, arena.Text("z")));
        Mlx.mlx_string_free(name);
        Mlx.mlx_vector_string_free(list);
        Mlx.mlx_vector_string_free(listed);
        Mlx.mlx_io_gguf_free(written);
        Mlx.mlx_io_gguf_free(read);
    }

    // n · scale + minimum of one block, dequantised by the provider's own affine mode
    [Theory]
    [InlineData(2u, 4)]
    [InlineData(3u, 4)]
    [InlineData(8u, 8)]
    public void Blocks_stand_for_the_numbers_they_stand_for(uint kind, int bits)
    {
        if (TestProvider.IsMlx)
            return;
        byte[] numbers = [.. Enumerable.Range(0, bits * 4).Select(i => (byte)(i * 37 + 11))];
        byte[] minimum = kind == 3 ? BitConverter.GetBytes((Half)(-1.5f)) : [];
        byte[] file = File([.. BitConverter.GetBytes((Half)0.25f), .. minimum, .. numbers], kind, "w.weight", 1, 32);
        using var arena = new NativeArena();
        mlx_io_gguf read = Load(arena, file);
        mlx_array words = default, scales = default, biases = default;
        NativeArena.Check(Mlx.mlx_io_gguf_get_array(&words, read, arena.Text("w.weight")));
        NativeArena.Check(Mlx.mlx_io_gguf_get_array(&scales, read, arena.Text("w.scales")));
        NativeArena.Check(Mlx.mlx_io_gguf_get_array(&biases, read, arena.Text("w.biases")));
        Mlx.mlx_io_gguf_free(read);
        double[] got = arena.Read(CFunction.Call(
            arena, "dequantize", [arena.Keep(words), arena.Keep(scales), arena.Keep(biases), null],
            $$"""{"group_size": 32, "bits": {{bits}}, "mode": "affine", "dtype": "float32"}""")).Doubles();
        for (int i = 0; i < 32; i++)
        {
            int nibble = i < 16 ? numbers[i % 16] & 15 : numbers[i % 16] >> 4;
            int number = kind switch { 8 => (sbyte)numbers[i], 2 => nibble - 8, _ => nibble };
            double want = number * 0.25 + (kind == 3 ? -1.5 : 0);
            Assert.Equal(want, got[i], 2e-3);
        }
    }

    // Two rows of 256; the twin walks through a block as the format is told, not number by number
    [Theory]
    [InlineData(10u, 84)]
    [InlineData(12u, 144)]
    [InlineData(14u, 210)]
    public void Blocks_of_256_come_as_float16(uint kind, int nBytes)
    {
        if (TestProvider.IsMlx)
            return;
        var random = new Random((int)kind);
        var blocks = new byte[2 * nBytes];
        random.NextBytes(blocks);
        int[] halves = kind switch { 10 => [80, 82], 12 => [0, 2], _ => [208] };
        foreach (int half in halves)
        {
            BitConverter.GetBytes((Half)(half + 1 - 80)).CopyTo(blocks, half);
            BitConverter.GetBytes((Half)0.03125f).CopyTo(blocks, nBytes + half);
        }

        using var arena = new NativeArena();
        mlx_io_gguf read = Load(arena, File(blocks, kind, "w", 2, 256));
        mlx_array got = default;
        NativeArena.Check(Mlx.mlx_io_gguf_get_array(&got, read, arena.Text("w")));
        Mlx.mlx_io_gguf_free(read);
        GoldenTensor numbers = arena.Read(arena.Keep(got));
        Assert.Equal(MLX_FLOAT16, numbers.Type);
        Assert.Equal([2, 256], numbers.Shape);
        double[] wanted = [.. blocks.Chunk(nBytes).SelectMany(block => kind switch
        {
            10 => NaiveQ2(block),
            12 => NaiveQ4(block),
            _ => NaiveQ6(block),
        })];
        Assert.Equal(wanted.Select(x => (double)(Half)x), numbers.Doubles());
        Assert.Throws<RefusedException>(() => Load(arena, File(blocks, kind, "w", 512, 1)));
        Assert.Throws<RefusedException>(() => Load(arena, File(blocks[1..], kind, "w", 2, 256)));
    }

    private static IEnumerable<double> NaiveQ2(byte[] block)
    {
        float d = HalfAt(block, 80), dmin = HalfAt(block, 82);
        int next = 0;
        for (int half = 0; half < 2; half++)
        {
            for (int shift = 0; shift < 8; shift += 2)
            {
                for (int part = 0; part < 2; part++, next++)
                {
                    for (int l = 0; l < 16; l++)
                    {
                        int number = (block[16 + 32 * half + 16 * part + l] >> shift) & 3;
                        yield return d * (block[next] & 15) * number - dmin * (block[next] >> 4);
                    }
                }
            }
        }
    }

    private static IEnumerable<double> NaiveQ4(byte[] block)
    {
        float d = HalfAt(block, 0), dmin = HalfAt(block, 2);
        for (int pair = 0; pair < 4; pair++)
        {
            for (int high = 0; high < 2; high++)
            {
                int j = 2 * pair + high, scale = block[4 + j % 4] & 63, minimum = block[8 + j % 4] & 63;
                if (j >= 4)
                {
                    scale = (block[8 + j] & 15) + (block[j] >> 6) * 16;
                    minimum = (block[8 + j] >> 4) + (block[4 + j] >> 6) * 16;
                }

                for (int l = 0; l < 32; l++)
                {
                    int both = block[16 + 32 * pair + l], number = high == 0 ? both % 16 : both / 16;
                    yield return d * scale * number - dmin * minimum;
                }
            }
        }
    }

    private static double[] NaiveQ6(byte[] block)
    {
        var numbers = new double[256];
        float d = HalfAt(block, 208);
        for (int half = 0; half < 2; half++)
        {
            for (int l = 0; l < 32; l++)
            {
                int a = block[64 * half + l], b = block[64 * half + l + 32], high = block[128 + 32 * half + l];
                int[] four = [a % 16, b % 16, a / 16, b / 16];
                for (int k = 0; k < 4; k++)
                {
                    var scale = (sbyte)block[192 + 8 * half + 2 * k + l / 16];
                    numbers[128 * half + 32 * k + l] = d * scale * (four[k] + (high >> (2 * k)) % 4 * 16 - 32);
                }
            }
        }

        return numbers;
    }

    private static float HalfAt(byte[] block, int at) => (float)BitConverter.ToHalf(block, at);

    [Fact]
    public void Broken_files_are_refused()
    {
        if (TestProvider.IsMlx)
            return;
        byte[] fine = File(new byte[8], 0, "x", 2);
        using var arena = new NativeArena();
        Mlx.mlx_io_gguf_free(Load(arena, fine));
        byte[] many = [.. fine];
        many[8] = many[14] = 0xFF;      // tensors
        byte[] version = [.. fine];
        version[4] = 9;
        byte[] unknown = File(new byte[8], 15, "x", 2), large = File([], 0, "x", 1 << 30);
        foreach (byte[] broken in (byte[][])[fine[..^1], fine[..20], many, version, unknown, large])
            Assert.Throws<RefusedException>(() => Load(arena, broken));
    }

    private static byte[] File(byte[] data, uint kind, string name, params long[] shape)
    {
        const uint Version = 3;
        const long Tensors = 1, Facts = 0;
        var bytes = new List<byte>([.. "GGUF"u8, .. BitConverter.GetBytes(Version)]);
        bytes.AddRange([.. BitConverter.GetBytes(Tensors), .. BitConverter.GetBytes(Facts)]);
        bytes.AddRange(BitConverter.GetBytes((long)name.Length));
        bytes.AddRange(Encoding.UTF8.GetBytes(name));
        bytes.AddRange(BitConverter.GetBytes(shape.Length));
        bytes.AddRange(shape.Reverse().SelectMany(BitConverter.GetBytes));
        bytes.AddRange(BitConverter.GetBytes(kind));
        bytes.AddRange(BitConverter.GetBytes(0L));
        while (bytes.Count % 32 != 0)
            bytes.Add(0);
        return [.. bytes, .. data];
    }

    private mlx_io_gguf Load(NativeArena arena, byte[] file)
    {
        string path = Path.Combine(_folder, "file.gguf");
        System.IO.File.WriteAllBytes(path, file);
        mlx_io_gguf read = default;
        NativeArena.Check(Mlx.mlx_load_gguf(&read, arena.Text(path), arena.Stream));
        return read;
    }
}
