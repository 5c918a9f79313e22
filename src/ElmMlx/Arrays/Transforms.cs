using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>
/// Derivatives of functions from arrays to arrays. An exception thrown inside a function comes out as the same object.
/// </summary>
/// <remarks>
/// A function runs on the calling thread, inside an <see cref="ArrayScope"/> of its own: what it makes on the way is
/// freed, the arrays that it answers are the caller's.
/// </remarks>
public static unsafe partial class Transforms
{
    /// <summary>The values of a function, and the gradient of the first with respect to some arguments.</summary>
    /// <param name="function">Its first value is a floating-point scalar.</param>
    /// <param name="arguments">Of any shapes.</param>
    /// <param name="argnums">Which arguments, in rising order; all when null.</param>
    /// <returns>The values, and a gradient of each chosen argument's shape and dtype.</returns>
    /// <exception cref="ArgumentException">There is no such argument, or the numbers do not rise.</exception>
    /// <exception cref="MlxException">The first value is no scalar, or a chosen argument is not floating.</exception>
    public static (MlxArray[] Values, MlxArray[] Gradients) ValueAndGrad(
        Func<MlxArray[], MlxArray[]> function, MlxArray[] arguments, int[]? argnums = null)
    {
        int[] places = argnums ?? [.. Enumerable.Range(0, arguments.Length)];
        CheckPlaces(places, arguments);
        using Closure closure = new(function);
        mlx_closure_value_and_grad transformed;
        fixed (int* numbers = places)
            transformed = Checked.mlx_value_and_grad(closure.Handle, numbers, (nuint)places.Length);
        using ArrayVector input = new(arguments);
        mlx_vector_array values = default, gradients = default;
        try
        {
            Checked.mlx_closure_value_and_grad_apply(&values, &gradients, transformed, input.Handle);
        }
        catch (MlxException)
        {
            Closure.RethrowThrown();
            throw;
        }
        finally
        {
            Checked.mlx_closure_value_and_grad_free(transformed);
        }

        return (ArrayVector.Take(values), ArrayVector.Take(gradients));
    }

    /// <summary>The gradient of a scalar function with respect to some arguments.</summary>
    /// <inheritdoc cref="ValueAndGrad"/>
    /// <returns>A gradient of each chosen argument's shape and dtype.</returns>
    public static MlxArray[] Grad(
        Func<MlxArray[], MlxArray> function, MlxArray[] arguments, int[]? argnums = null)
    {
        (MlxArray[] values, MlxArray[] gradients) = ValueAndGrad(inputs => [function(inputs)], arguments, argnums);
        values[0].Dispose();
        return gradients;
    }

    /// <summary>The values of a function, and <c>vᵀ · J</c>.</summary>
    /// <param name="function">Any number of values.</param>
    /// <param name="primals">Its arguments.</param>
    /// <param name="cotangents">v: one a value, of its shape.</param>
    /// <returns>The values, and one array a primal, of its shape and dtype.</returns>
    /// <exception cref="MlxException">
    /// Cotangents and values do not go together, or an operation has no gradient.
    /// </exception>
    public static (MlxArray[] Values, MlxArray[] Gradients) Vjp(
        Func<MlxArray[], MlxArray[]> function, MlxArray[] primals, MlxArray[] cotangents)
    {
        using Closure closure = new(function);
        using ArrayVector at = new(primals), along = new(cotangents);
        mlx_vector_array values = default, gradients = default;
        try
        {
            Checked.mlx_vjp(&values, &gradients, closure.Handle, at.Handle, along.Handle);
        }
        catch (MlxException)
        {
            Closure.RethrowThrown();
            throw;
        }

        return (ArrayVector.Take(values), ArrayVector.Take(gradients));
    }

    /// <summary>The values of a function, and <c>J · v</c>.</summary>
    /// <param name="function">Any number of values.</param>
    /// <param name="primals">Its arguments.</param>
    /// <param name="tangents">v: one a primal, of its shape.</param>
    /// <returns>The values, and one tangent a value, of its shape and dtype.</returns>
    /// <exception cref="MlxException">
    /// Tangents and primals do not go together, or an operation has no derivative.
    /// </exception>
    public static (MlxArray[] Values, MlxArray[] Tangents) Jvp(
        Func<MlxArray[], MlxArray[]> function, MlxArray[] primals, MlxArray[] tangents)
    {
        using Closure closure = new(function);
        using ArrayVector at = new(primals), along = new(tangents);
        mlx_vector_array values = default, derivatives = default;
        try
        {
            Checked.mlx_jvp(&values, &derivatives, closure.Handle, at.Handle, along.Handle);
        }
        catch (MlxException)
        {
            Closure.RethrowThrown();
            throw;
        }

        return (ArrayVector.Take(values), ArrayVector.Take(derivatives));
    }

    /// <summary>
    /// The same function, which keeps nothing that it computes on the way and computes it again for its gradient: less
    /// memory, more work. Only what it gets as arguments has gradients, and it may run twice: it must answer the same.
    /// </summary>
    public static Func<MlxArray[], MlxArray[]> Checkpoint(Func<MlxArray[], MlxArray[]> function) => arguments =>
    {
        using Closure closure = new(function);
        using Closure checkpointed = closure.Checkpointed();
        return checkpointed.Apply(arguments);
    };

    /// <summary>The same function with a gradient of one's own.</summary>
    /// <param name="function">Any number of values.</param>
    /// <param name="vjp">
    /// From the arguments, the cotangents of the values and the values to one cotangent an argument, of its shape.
    /// </param>
    public static Func<MlxArray[], MlxArray[]> CustomVjp(
        Func<MlxArray[], MlxArray[]> function, Func<MlxArray[], MlxArray[], MlxArray[], MlxArray[]> vjp) => arguments =>
    {
        using Closure closure = new(function);
        using Closure custom = closure.WithGradient(vjp);
        return custom.Apply(arguments);
    };

    /// <summary>
    /// The same arrays, which are not there before the others are: where the order of work saves memory.
    /// </summary>
    /// <param name="arrays">Of any shapes.</param>
    /// <param name="others">What is evaluated with them.</param>
    public static MlxArray[] Depends(MlxArray[] arrays, MlxArray[] others)
    {
        using ArrayVector first = new(arrays), then = new(others);
        return ArrayVector.Take(Checked.mlx_depends(first.Handle, then.Handle));
    }

    private static void CheckPlaces(int[] places, MlxArray[] arguments)
    {
        for (int i = 0; i < places.Length; i++)
        {
            if (places[i] < 0 || places[i] >= arguments.Length)
                throw new ArgumentException($"there is no argument {places[i]}: the function gets {arguments.Length}");
            MlxArray argument = arguments[places[i]];
            if (!argument.DType.IsFloating() && argument.DType is not DType.Complex64)
                throw new MlxException(
                    "value_and_grad", "only floating-point arrays have gradients", argument.Describe());
            if (i > 0 && places[i] <= places[i - 1])
                throw new ArgumentException("argument numbers must rise, and each may be named once");
        }
    }
}
