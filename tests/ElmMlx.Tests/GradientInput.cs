using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>
/// float64 numbers between two bounds, no two alike; or, in another dtype, constant whole numbers from the lower bound
/// on and below the upper one, again and again.
/// </summary>
internal sealed record GradientInput(
    int[] Shape, double Low, double High, mlx_dtype Type = mlx_dtype.MLX_FLOAT64)
{
    public bool IsConstant => Type != mlx_dtype.MLX_FLOAT64;

    private int Size => Shape.Aggregate(1, (product, n) => product * n);

    /// <summary>The constant: bool or int32.</summary>
    public GoldenTensor Constant()
    {
        int[] numbers = [.. Enumerable.Range(0, Size).Select(i => (int)Low + i * 7 % (int)(High - Low))];
        byte[] bytes = Type == mlx_dtype.MLX_BOOL
            ? [.. numbers.Select(number => (byte)number)] : MemoryMarshal.AsBytes<int>(numbers).ToArray();
        return new(Type, Shape, bytes);
    }

    /// <summary>Numbers in no order, at least two fifths of the range over their count apart.</summary>
    public double[] Draw(Random random)
    {
        double[] numbers = [.. Enumerable.Range(0, Size)
            .Select(i => Low + (High - Low) * (i + 0.2 + 0.6 * random.NextDouble()) / Size)];
        random.Shuffle(numbers);
        return numbers;
    }
}
