using System.Text;
using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>The one error door: turns what a C function reported into an <see cref="MlxException"/>.</summary>
internal static unsafe class Failure
{
    private const int MaxArraysOfVector = 8; // described in a message

    [ThreadStatic]
    private static string? s_reported;

    /// <summary>
    /// Whether the last C function called the error handler: for functions whose answer cannot say so.
    /// </summary>
    public static bool Reported => (s_reported = MlxError.Take()) is not null;

    /// <summary>MLX's text, once.</summary>
    public static string? Take()
    {
        string? text = s_reported ?? MlxError.Take();
        s_reported = null;
        return text;
    }

    /// <summary>The exception for a failed function.</summary>
    /// <param name="operation">Its C name without <c>mlx_</c>.</param>
    /// <param name="reason">MLX's text; null when there was none.</param>
    /// <param name="operands">Shape and dtype of each.</param>
    public static MlxException Of(string operation, string? reason, params ReadOnlySpan<string> operands) =>
        new(operation, reason ?? "it failed without giving a reason", operands);

    /// <summary>Shape and dtype, as in <c>[2, 37] float32</c>.</summary>
    public static string Text(mlx_array array)
    {
        if (array.ctx is null)
            return "none";
        int rank = (int)Mlx.mlx_array_ndim(array);
        int* shape = Mlx.mlx_array_shape(array);
        string text = shape is null && rank > 0
            ? "an array"
            : Text(new ReadOnlySpan<int>(shape, rank), (DType)Mlx.mlx_array_dtype(array));
        MlxError.Take(); // describing may fail too, and must leave nothing behind
        return text;
    }

    /// <summary>Shapes and dtypes of a vector's arrays, as in <c>{[2] int32, [3] int32}</c>.</summary>
    public static string Text(mlx_vector_array arrays)
    {
        if (arrays.ctx is null)
            return "no arrays";
        int count = (int)Mlx.mlx_vector_array_size(arrays);
        StringBuilder text = new("{");
        for (int i = 0; i < Math.Min(count, MaxArraysOfVector); i++)
        {
            mlx_array array = default;
            if (Mlx.mlx_vector_array_get(&array, arrays, (nuint)i) != 0)
                break;
            text.Append(i == 0 ? "" : ", ").Append(Text(array));
            Mlx.mlx_array_free(array);
        }

        MlxError.Take();
        return text.Append(count > MaxArraysOfVector ? $", … {count} arrays}}" : "}").ToString();
    }

    /// <summary>A shape and a dtype, as in <c>[2, 37] float32</c>.</summary>
    public static string Text(ReadOnlySpan<int> shape, DType dtype)
    {
        StringBuilder text = new("[");
        for (int i = 0; i < shape.Length; i++)
            text.Append(i == 0 ? "" : ", ").Append(shape[i]);
        return text.Append("] ").Append(dtype.Name()).ToString();
    }
}
