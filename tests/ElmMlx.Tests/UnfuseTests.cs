using ElmMlx.Checkpoints;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The difference of two models as adapters, and the truncated singular values behind it.</summary>
public sealed class UnfuseTests : IDisposable
{
    private static readonly string Base = Fixtures.Path("mlx-lm/micro");
    private static readonly SafetensorsFile Expected = GoldenArrays.Open("mlx-lm/adapters/expected.safetensors");

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-unfuse-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Output => Path.Combine(_folder, "adapters");

    [Theory]
    [InlineData("lora", "micro", 4)]
    [InlineData("lora", "micro", 7)]
    [InlineData("lora-embedding", "micro", 4)]
    [InlineData("lora-keys", "micro", 8)]
    [InlineData("qlora", "micro-q4-g64", 4)]
    public void Difference_of_no_higher_rank_is_held_exactly(string adapter, string folder, int rank)
    {
        using ArrayScope scope = new();
        string before = Fixtures.Path("mlx-lm/" + folder);
        UnfuseReport report = Unfuser.Run(before, Fused(adapter, folder), rank, Output);
        Assert.All(report.Matrices, matrix => Assert.InRange(matrix.RelativeError, 0, 2e-6));
        Assert.All(report.Matrices, matrix => Assert.InRange(matrix.Explained, 1 - 1e-10, 1));
        Assert.Empty(report.OtherTensors);

        AdapterSet theirs = AdapterSet.Read(
            Fixtures.Path("mlx-lm/adapters/" + adapter)), ours = AdapterSet.Read(Output);
        Assert.Equal(theirs.Adapters.Keys, ours.Adapters.Keys);
        Assert.Equal(17 - theirs.Adapters.Count, report.Unchanged);
        Assert.Equal(rank, AdapterConfig.Read(Output).Rank);

        using OpenElmModel model = MlxLmTests.Load(folder, DType.Float32);
        LoraAdapters.ApplyTo(model, Output);
        GoldenArrays.Close(
            Expected.Doubles($"{adapter}.adapted.logits_f32"), model.Forward(Expected.IdArray("input_ids")).Floats(),
            1e-4, adapter);
    }

    [Fact]
    public void Lower_rank_leaves_no_more_than_it_must()
    {
        string fused = Fused("lora", "micro");
        UnfuseReport report = Unfuser.Run(Base, fused, 2, Output);
        using WeightFiles before = WeightFiles.Open(Base), after = WeightFiles.Open(fused);
        foreach (UnfusedMatrix matrix in report.Matrices.Where(
            matrix => matrix.Name.EndsWith("attn.out_proj", StringComparison.Ordinal)))
        {
            float[] difference = Floats(after, matrix.Name), other = Floats(before, matrix.Name);
            for (int i = 0; i < difference.Length; i++)
                difference[i] -= other[i];
            double[] values = NaiveValues(difference, matrix.Rows);
            double whole = Math.Sqrt(
                values.Sum(value => value * value)), rest = Math.Sqrt(values.Skip(2).Sum(value => value * value));
            Assert.InRange(matrix.RelativeError, 0.999 * rest / whole, 1.001 * rest / whole + 1e-6);
            Assert.InRange(matrix.Change, 1e-3, 10);
        }
    }

    // rows, columns, rank, how fast the singular values fall: 1 is noise
    [Theory]
    [InlineData(40, 30, 5, 1.0)]
    [InlineData(30, 90, 8, 1.0)]
    [InlineData(64, 64, 1, 1.0)]
    [InlineData(120, 50, 6, 0.9)]
    [InlineData(50, 120, 6, 0.5)]
    [InlineData(33, 17, 17, 1.0)]
    [InlineData(1, 9, 1, 1.0)]
    [InlineData(9, 1, 1, 1.0)]
    public void Truncated_values_are_those_of_the_whole_decomposition(int rows, int columns, int rank, double fall)
    {
        float[] matrix = Matrix(rows, columns, fall);
        double[] exact = NaiveValues(matrix, rows);
        var svd = TruncatedSvd.Of(matrix, rows, rank);
        for (int k = 0; k < rank; k++)
        {
            Assert.InRange(svd.Values[k], (1 - 2e-2) * exact[k], exact[k] * (1 + 1e-9));
            for (int l = 0; l < rank; l++)
            {
                Assert.InRange(
                    DoubleRows.Dot(svd.Left[k], svd.Left[l]), (k == l ? 1 : 0) - 1e-9, (k == l ? 1 : 0) + 1e-9);
                Assert.InRange(
                    DoubleRows.Dot(svd.Right[k], svd.Right[l]), (k == l ? 1 : 0) - 1e-9, (k == l ? 1 : 0) + 1e-9);
            }
        }
        double left = 0, least = exact.Skip(rank).Sum(value => value * value);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
            {
                double rest = matrix[i * columns + j];
                for (int k = 0; k < rank; k++)
                    rest -= svd.Values[k] * svd.Left[k][i] * svd.Right[k][j];
                left += rest * rest;
            }
        double whole = exact.Sum(value => value * value);
        Assert.InRange(Math.Sqrt(left), 0, 1.001 * Math.Sqrt(least) + 1e-9 * Math.Sqrt(whole));
    }

    [Fact]
    public void Zeros_and_one_direction_are_matrices_too()
    {
        Assert.Equal([0, 0], TruncatedSvd.Of(new float[12], 3, 2).Values);
        float[] ones = [.. Enumerable.Repeat(2f, 12)];
        var svd = TruncatedSvd.Of(ones, 3, 3);
        Assert.Equal(2 * Math.Sqrt(12), svd.Values[0], 1e-12);
        Assert.InRange(svd.Values[1], 0, 1e-12);
        Assert.All(svd.Left.Concat(svd.Right), vector =>
            Assert.All(vector, value => Assert.True(double.IsFinite(value))));
    }

    [Fact]
    public void Same_models_give_the_same_bytes()
    {
        string fused = Fused("lora", "micro"), again = Path.Combine(_folder, "again");
        Unfuser.Run(Base, fused, 3, Output);
        Unfuser.Run(Base, fused, 3, again);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(Output, "adapters.safetensors")),
            File.ReadAllBytes(Path.Combine(again, "adapters.safetensors")));
    }

    [Fact]
    public void Norms_that_differ_are_named()
    {
        string full = Path.Combine(_folder, "full");
        Converter.Convert(
            new ConvertOptions { Input = Base, Output = full, Adapter = Fixtures.Path("mlx-lm/adapters/full") });
        string changed = Path.Combine(_folder, "changed");
        Converter.Convert(new ConvertOptions { Input = full, Output = changed, Type = TensorType.Float32 });
        using (OpenElmModel model = OpenElmModel.Load(changed))
        {
            // a norm that training moved
            using ArrayScope scope = new();
            model.Load(new Dictionary<string, MlxArray> { ["layers.3.attn_norm.weight"] = MlxArray.Full([64], 1.5) });
            string path = Path.Combine(changed, "model.safetensors");
            using SafetensorsWriter writer = new(path, model.NamedParameters().Select(entry =>
                new TensorSpec(OpenElmModel.MlxLmName(entry.Path), TensorType.Float32, entry.Parameter.Value.Shape)));
            foreach ((string name, Nn.Parameter parameter) in model.NamedParameters())
                writer.Write(OpenElmModel.MlxLmName(name), parameter.Value.ToBytes());
            writer.Commit();
        }
        UnfuseReport report = Unfuser.Run(Base, changed, 4, Output);
        Assert.Equal(["transformer.layers.3.attn_norm.weight"], report.OtherTensors);
        Assert.Equal(4, report.Matrices.Count);
        Assert.Equal(1, AdapterConfig.Read(Output).LayerCount);
    }

    [Fact]
    public void What_cannot_be_held_is_refused_and_leaves_nothing()
    {
        string fused = Fused("lora", "micro");
        Refused<ArgumentException>("nothing that an adapter could hold", Base, Base, 4);
        Refused<ArgumentException>(
            "The rank is 65, and transformer.layers.2.attn.qkv_proj is a matrix of [128, 64]", Base, fused, 65);
        Refused<ArgumentException>("at least 1", Base, fused, 0);
        Refused<ArgumentException>("Rank 1 leaves", Base, fused, 1, 0.01);
        Refused<InvalidDataException>(
            "transformer.layers.0.attn.qkv_proj.weight: [64, 64] in", Base, Fixtures.Path("mlx-lm/micro-kv"), 4);
        Refused<DirectoryNotFoundException>("no folder", Base, Path.Combine(_folder, "none"), 4);
        Assert.False(Directory.Exists(Output));

        void Refused<T>(string words, string before, string after, int rank, double? maxError = null)
            where T : Exception => Assert.Contains(
                words, Assert.Throws<T>(() => Unfuser.Run(before, after, rank, Output, maxError)).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void Command_reports_each_matrix()
    {
        string fused = Fused("lora", "micro");
        string[] line = ["unfuse", "--base", Base, "--model", fused, "--rank", "4", "--save-path", Output];
        CommandProcess.Result result = CommandProcess.Elm("", line);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Matches(@"transformer\.layers\.3\.ffn\.proj_2 +\d+\.\d % +100\.0 % +0\.0 %\n", result.Output);
        Assert.Contains("8 matrices have adapters of rank 4; 9 do not differ and have none.", result.Output,
            StringComparison.Ordinal);
        Assert.Equal("", result.Errors);
        result = CommandProcess.Elm("", line);
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("--overwrite", result.Errors, StringComparison.Ordinal);
        Assert.Contains(
            "--max-error is 2", CommandProcess.Elm("", [.. line, "--max-error", "2"]).Errors, StringComparison.Ordinal);
    }

    // The adapters merged in float32, so that nothing is rounded away.
    private string Fused(string adapter, string folder)
    {
        string output = Path.Combine(_folder, "fused");
        Converter.Convert(new ConvertOptions
        {
            Input = Fixtures.Path("mlx-lm/" + folder),
            Output = output,
            Adapter = Fixtures.Path("mlx-lm/adapters/" + adapter),
            Type = TensorType.Float32,
            PackedMerge = PackedMerge.Float,
        });
        return output;
    }

    private static float[] Floats(WeightFiles weights, string module)
    {
        (SafetensorsFile file, TensorInfo tensor) = weights[module + ".weight"];
        return AdapterSet.ReadFloats(file, tensor);
    }

    private static float[] Matrix(int rows, int columns, double fall)
    {
        Random random = new(11);
        var matrix = new double[rows * columns];
        if (fall == 1)
            return [.. matrix.Select(_ => (float)(random.NextDouble() - 0.5))];
        for (int k = 0; k < Math.Min(rows, columns); k++)
        {
            double[] left = [.. Enumerable.Range(0, rows).Select(_ => random.NextDouble() - 0.5)];
            double[] right = [.. Enumerable.Range(0, columns).Select(_ => random.NextDouble() - 0.5)];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    matrix[i * columns + j] += Math.Pow(fall, k) * left[i] * right[j];
        }
        return [.. matrix.Select(value => (float)value)];
    }

    // All singular values, by turning pairs of columns until none can be turned: the definition, and slow.
    private static double[] NaiveValues(float[] matrix, int rows)
    {
        int columns = matrix.Length / rows;
        bool isWide = columns > rows;
        int count = Math.Min(rows, columns), length = Math.Max(rows, columns);
        var vectors = new double[count, length];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                vectors[isWide ? i : j, isWide ? j : i] = matrix[i * columns + j];
        bool isTurned = true;
        for (int sweep = 0; sweep < 60 && isTurned; sweep++)
        {
            isTurned = false;
            for (int p = 0; p < count; p++)
                for (int q = p + 1; q < count; q++)
                {
                    double a = 0, b = 0, c = 0;
                    for (int i = 0; i < length; i++)
                    {
                        a += vectors[p, i] * vectors[p, i];
                        b += vectors[q, i] * vectors[q, i];
                        c += vectors[p, i] * vectors[q, i];
                    }
                    if (Math.Abs(c) <= 1e-13 * Math.Sqrt(a * b) || c * c < 1e-30)
                        continue;
                    isTurned = true;
                    double angle = 0.5 * Math.Atan2(2 * c, a - b), cosine = Math.Cos(angle), sine = Math.Sin(angle);
                    for (int i = 0; i < length; i++)
                        (vectors[p, i], vectors[q, i]) =
                            (cosine * vectors[p, i] +
                                sine * vectors[q, i], cosine * vectors[q, i] - sine * vectors[p, i]);
                }
        }
        return [.. Enumerable.Range(0, count)
            .Select(p =>
                Math.Sqrt(Enumerable.Range(0, length).Sum(i => vectors[p, i] * vectors[p, i]))).OrderDescending()];
    }
}
