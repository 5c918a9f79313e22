namespace ElmMlx.Nn;

/// <summary>One number of each window that slides over the axes between the first and the last.</summary>
public abstract class PoolLayer : UnaryLayer
{
    private readonly int[] _kernel;
    private readonly int[] _stride;
    private readonly int[] _padding;
    private readonly double _filling;

    private protected PoolLayer(int[] kernel, int[] stride, int[] padding, double filling)
    {
        foreach (int size in kernel.Concat(stride))
            ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        (_kernel, _stride, _padding, _filling) = (kernel, stride, padding, filling);
    }

    /// <summary>One number of each window and channel.</summary>
    /// <param name="x">[B, …, C]; between them as many axes of space as the layer says.</param>
    /// <returns>[B, …, C], with as many places as there are windows.</returns>
    /// <exception cref="ArgumentException">Another number of axes, or an axis shorter than the window.</exception>
    public sealed override MlxArray Forward(MlxArray x)
    {
        int space = _kernel.Length;
        if (x.Rank != space + 2)
            throw new ArgumentException(
                $"the input is {x.Describe()}: {GetType().Name} takes {space + 2} axes", nameof(x));
        if (_padding.Any(width => width > 0))
            x = x.Pad([.. Enumerable.Range(1, space)], _padding, _padding, _filling);
        int[] axes = [.. Enumerable.Range(space + 1, space)];
        return Reduce(Windows(x), axes);
    }

    /// <summary>[B, places…, window…, C] to [B, places…, C].</summary>
    private protected abstract MlxArray Reduce(MlxArray windows, int[] axes);

    // A view: places and windows step through the same memory.
    private MlxArray Windows(MlxArray x)
    {
        int space = _kernel.Length;
        int[] sizes = x.Shape;
        long[] steps = new long[sizes.Length];
        steps[^1] = 1;
        for (int axis = sizes.Length - 2; axis >= 0; axis--)
            steps[axis] = steps[axis + 1] * sizes[axis + 1];
        var shape = new int[2 * space + 2];
        var strides = new long[shape.Length];
        (shape[0], strides[0], shape[^1], strides[^1]) = (sizes[0], steps[0], sizes[^1], 1);
        for (int i = 0; i < space; i++)
        {
            if (sizes[i + 1] < _kernel[i])
                throw new ArgumentException(
                    $"the input is {x.Describe()}, padding included: a window of {Shapes.Text(_kernel)} does not fit",
                    nameof(x));
            shape[1 + i] = (sizes[i + 1] - _kernel[i]) / _stride[i] + 1;
            strides[1 + i] = steps[i + 1] * _stride[i];
            shape[1 + space + i] = _kernel[i];
            strides[1 + space + i] = steps[i + 1];
        }
        return x.AsStrided(shape, strides);
    }
}
