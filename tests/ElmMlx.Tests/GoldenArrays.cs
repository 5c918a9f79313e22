using System.Text.Json;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Expected arrays and numbers of a fixture, and how they are compared.</summary>
internal static class GoldenArrays
{
    /// <summary>All tensors of a safetensors file that one test class reads again and again.</summary>
    public static SafetensorsFile Open(string relative) => SafetensorsFile.Open(Fixtures.Path(relative));

    public static double[] Doubles(this SafetensorsFile file, string name)
    {
        TensorInfo tensor = file[name];
        var bytes = new byte[tensor.ByteCount];
        file.Read(tensor, bytes);
        int size = tensor.Type.Size();
        var values = new double[tensor.ElementCount];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes.AsSpan(i * size, size);
            values[i] = tensor.Type switch
            {
                TensorType.Float64 => BitConverter.ToDouble(element),
                TensorType.Float32 => BitConverter.ToSingle(element),
                TensorType.Float16 => (double)BitConverter.ToHalf(element),
                TensorType.BFloat16 => BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(element) << 16),
                TensorType.Int64 => BitConverter.ToInt64(element),
                TensorType.Int32 => BitConverter.ToInt32(element),
                TensorType.UInt8 => element[0],
                _ => throw new NotSupportedException(tensor.ToString()),
            };
        }
        return values;
    }

    public static int[] Ids(this SafetensorsFile file, string name) =>
        [.. file.Doubles(name).Select(value => (int)value)];

    public static MlxArray IdArray(this SafetensorsFile file, string name) =>
        MlxArray.From<int>(file.Ids(name), [.. file[name].Shape]);

    public static JsonElement Json(string relative)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path(relative)));
        return document.RootElement.Clone();
    }

    public static int[] Ints(this JsonElement json) => [.. json.EnumerateArray().Select(element => element.GetInt32())];

    /// <summary>The elements as float32, whatever the array's type.</summary>
    public static float[] Floats(this MlxArray array) => array.AsType(DType.Float32).ToArray<float>();

    /// <summary>Fails with the largest difference and where it is.</summary>
    public static void Close(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = -1;
        int where = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = expected[i] == actual[i] ? 0 : Math.Abs(expected[i] - actual[i]);
            if (double.IsNaN(difference))
                difference = double.PositiveInfinity;
            if (difference > largest)
                (largest, where) = (difference, i);
        }
        Assert.True(
            largest <= tolerance,
            $"{what}: largest difference {largest:g4} at {where}: expected {expected[where]:g9}, got " +
                $"{actual[where]:g9}, tolerance {tolerance:g3}");
    }

    /// <summary>Fails when the root of the mean square of the differences is larger.</summary>
    public static void CloseOnAverage(
        ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        double rms = Rms(expected, actual);
        Assert.True(rms <= tolerance, $"{what}: rms of the differences {rms:g4}, tolerance {tolerance:g3}");
    }

    /// <summary>
    /// Fails when numbers in a narrow type are farther from the float32 ones than mlx-lm's own are: how they round on
    /// the way is free, how well is not.
    /// </summary>
    public static void RoundedAsWell(
        ReadOnlySpan<double> exact, ReadOnlySpan<double> rounded, ReadOnlySpan<float> actual, string what)
    {
        var theirs = new float[rounded.Length];
        for (int i = 0; i < theirs.Length; i++)
            theirs[i] = (float)rounded[i];
        CloseOnAverage(exact, actual, 1.2 * Rms(exact, theirs) + 1e-5, what);
    }

    private static double Rms(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double sum = 0;
        for (int i = 0; i < expected.Length; i++)
            sum += (expected[i] - actual[i]) * (expected[i] - actual[i]);
        return Math.Sqrt(sum / expected.Length);
    }
}
