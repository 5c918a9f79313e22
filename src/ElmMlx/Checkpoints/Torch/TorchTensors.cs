using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>Checks a tensor's description against its storage before it is believed.</summary>
internal static class TorchTensors
{
    private const int MaxRank = 8;
    private const int MaxUnfolding = 64; // strides of 0 may make this many elements of one

    public static TorchTensor? TryCreate(
        TorchStorage storage, TensorType type, long offset, PickleTuple size, PickleTuple stride, out string? problem)
    {
        problem = null;
        if (size.Items.Length != stride.Items.Length)
            problem = "has another number of strides than of dimensions";
        else if (size.Items.Length > MaxRank)
            problem = $"has {size.Items.Length} dimensions, and {MaxRank} is the most";
        if (problem is not null || Numbers(size) is not { } shape || Numbers(stride) is not { } strides)
        {
            problem ??= "has a size or stride that is not a whole number of at least 0";
            return null;
        }
        long available = storage.ByteCount / type.Size();
        try
        {
            long count = 1;
            long last = offset;
            foreach (long dimension in shape)
                count = checked(count * dimension);
            for (int i = 0; i < shape.Length && count > 0; i++)
                last = checked(last + (shape[i] - 1) * strides[i]);
            if (offset < 0 || offset > available || count > 0 && last >= available)
                problem = $"reaches outside of its {available} elements";
            else if (shape.Any(dimension => dimension > int.MaxValue)
                || count > checked(available * MaxUnfolding) && count > 1)
                problem = $"unfolds {available} elements to {count}";
            _ = checked(count * type.Size());
        }
        catch (OverflowException)
        {
            problem = "has a size that overflows";
        }
        return problem is null ? new TorchTensor(storage, type, offset, shape, strides) : null;
    }

    private static long[]? Numbers(PickleTuple tuple)
    {
        var numbers = new long[tuple.Items.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (tuple.Items[i] is not long number || number < 0)
                return null;
            numbers[i] = number;
        }
        return numbers;
    }
}
