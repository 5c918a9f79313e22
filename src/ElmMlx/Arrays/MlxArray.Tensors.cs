using System.Numerics.Tensors;

namespace ElmMlx;

// Tensors of .NET in and out, by copy.
public sealed unsafe partial class MlxArray
{
    /// <summary>An array of a tensor's elements and shape; views and steps are read as they are seen.</summary>
    /// <typeparam name="T">bool, an integer, Half, float, double or <see cref="ComplexSingle"/>.</typeparam>
    /// <exception cref="OverflowException">An axis is longer than int.MaxValue.</exception>
    public static MlxArray From<T>(ReadOnlyTensorSpan<T> tensor)
        where T : unmanaged
    {
        int[] shape = new int[tensor.Rank];
        for (int axis = 0; axis < shape.Length; axis++)
            shape[axis] = checked((int)tensor.Lengths[axis]);
        T[] elements = new T[checked((int)tensor.FlattenedLength)];
        tensor.FlattenTo(elements);
        return From(elements.AsSpan(), DTypes.Of<T>(), shape);
    }

    /// <summary>An array of a tensor's elements and shape.</summary>
    /// <inheritdoc cref="From{T}(ReadOnlyTensorSpan{T})"/>
    public static MlxArray From<T>(Tensor<T> tensor)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return From(tensor.AsReadOnlyTensorSpan());
    }

    /// <summary>A tensor of this shape with all elements, converted to <typeparamref name="T"/>.</summary>
    public Tensor<T> ToTensor<T>()
        where T : unmanaged
    {
        nint[] lengths = [.. Shape.Select(size => (nint)size)];
        return Tensor.Create(ToArray<T>(), lengths);
    }

    /// <summary>Copies all elements, converted to <typeparamref name="T"/>, to a tensor of this shape.</summary>
    /// <exception cref="ArgumentException">The destination has another shape.</exception>
    public void CopyTo<T>(scoped in TensorSpan<T> destination)
        where T : unmanaged
    {
        bool isSame = destination.Rank == Rank;
        for (int axis = 0; isSame && axis < Rank; axis++)
            isSame = destination.Lengths[axis] == Dim(axis);
        if (!isSame)
            throw new ArgumentException($"{Describe()} does not go into a tensor of another shape");
        ToTensor<T>().CopyTo(destination);
    }

    private static MlxArray From<T>(Span<T> elements, DType dtype, int[] shape)
        where T : unmanaged =>
        FromBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(elements), dtype, shape);
}
