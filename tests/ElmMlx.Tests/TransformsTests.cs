using ElmMlx.Nn;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>What holds for every gradient, whatever the operations: both providers.</summary>
[Collection(GradientCollection.Name)]
public class TransformsTests
{
    [Fact]
    public void Value_and_gradients_of_the_chosen_arguments()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2, 3], 3), y = MlxArray.From<float>([4, 5, 6], 3);
        (MlxArray[] values, MlxArray[] gradients) = Transforms.ValueAndGrad(
            a => [(a[0] * a[1]).Sum(), a[0] + a[1]], [x, y], [1]);
        Assert.Equal(32f, values[0].Item<float>());
        Assert.Equal([5f, 7f, 9f], values[1].ToArray<float>());
        Assert.Equal([1f, 2f, 3f], Assert.Single(gradients).ToArray<float>());
    }

    [Fact]
    public void Gradient_of_a_gradient()
    {
        // d²(x³)/dx² = 6 x
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2, 3], 3);
        MlxArray second = Transforms.Grad(
            outer => Transforms.Grad(inner => (inner[0] * inner[0] * inner[0]).Sum(), outer)[0].Sum(), [x])[0];
        Assert.Equal([6f, 12f, 18f], second.ToArray<float>());
    }

    [Fact]
    public void Tangents_go_forward()
    {
        // d(x y) along (1, 10) = y + 10 x
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2], 2), y = MlxArray.From<float>([3, 4], 2);
        (MlxArray[] values, MlxArray[] tangents) = Transforms.Jvp(
            a => [a[0] * a[1]], [x, y], [MlxArray.From<float>([1, 1], 2), MlxArray.From<float>([10, 10], 2)]);
        Assert.Equal([3f, 8f], values[0].ToArray<float>());
        Assert.Equal([13f, 24f], tangents[0].ToArray<float>());
    }

    [Fact]
    public void A_stopped_gradient_is_a_constant()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([2, 3], 2);
        MlxArray gradient = Transforms.Grad(a => (a[0].StopGradient() * a[0]).Sum(), [x])[0];
        Assert.Equal([2f, 3f], gradient.ToArray<float>());
    }

    [Fact]
    public void An_argument_that_does_not_matter_has_a_gradient_of_zeros()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([2, 3], 2), y = MlxArray.From<float>([1, 1, 1], 3);
        MlxArray[] gradients = Transforms.Grad(a => a[0].Sum(), [x, y]);
        Assert.Equal([1f, 1f], gradients[0].ToArray<float>());
        Assert.Equal([0f, 0f, 0f], gradients[1].ToArray<float>());
    }

    [Fact]
    public void A_checkpointed_function_runs_again_and_has_the_same_gradient()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2, 3], 3), w = MlxArray.From<float>([0.5f, -1, 2], 3);
        int runs = 0;
        Func<MlxArray[], MlxArray[]> block = Transforms.Checkpoint(a =>
        {
            runs++;
            return [a[0] * a[1] * a[1]];
        });
        MlxArray[] gradients = Transforms.Grad(a => block([block(a)[0], a[1]])[0].Sum(), [x, w]);
        Assert.Equal([0.0625f, 1f, 16f], gradients[0].ToArray<float>());        // w⁴
        Assert.Equal([0.5f, -8f, 96f], gradients[1].ToArray<float>());          // 4 x w³
        Assert.Equal(4, runs);
    }

    [Fact]
    public void A_gradient_of_ones_own_takes_the_place_of_the_functions()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2], 2);
        Func<MlxArray[], MlxArray[]> custom = Transforms.CustomVjp(
            a => [a[0] * a[0]],
            (primals, cotangents, outputs) => [cotangents[0] * outputs[0] + primals[0] * 100f]);
        MlxArray gradient = Transforms.Grad(a => (custom(a)[0] * 3f).Sum(), [x])[0];
        Assert.Equal([103f, 212f], gradient.ToArray<float>());
    }

    [Fact]
    public void An_exception_comes_out_as_the_same_object()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1], 1);
        InvalidTimeZoneException thrown = new("mine");
        Func<MlxArray[], MlxArray> fails = _ => throw thrown;
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => Transforms.Grad(fails, [x])));
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => Transforms.Grad(
            outer => Transforms.Grad(fails, outer)[0], [x])));
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => Transforms.Checkpoint(
            a => [fails(a)])([x])));
        // nothing of it is left for the next call
        Assert.Equal([1f], Transforms.Grad(a => a[0].Sum(), [x])[0].ToArray<float>());
    }

    [Fact]
    public void An_exception_of_a_recomputation_comes_out_too()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1], 1);
        InvalidTimeZoneException thrown = new("mine");
        int runs = 0;
        Func<MlxArray[], MlxArray[]> block = Transforms.Checkpoint(
            a => ++runs > 1 ? throw thrown : [a[0] * a[0]]);
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(
            () => Transforms.Grad(a => block(a)[0].Sum(), [x])));
    }

    [Fact]
    public void A_refused_operation_inside_names_itself()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2, 3], 3);
        MlxException error = Assert.Throws<MlxException>(
            () => Transforms.Grad(a => a[0].MatMul(MlxArray.Ones([4, 4])).Sum(), [x]));
        Assert.Equal("matmul", error.Operation);
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2, 3], 3), ids = MlxArray.From<int>([1, 2, 3], 3);
        Assert.Throws<MlxException>(() => Transforms.Grad(a => a[0] * 2f, [x]));                // no scalar
        Assert.Throws<ArgumentException>(() => Transforms.Grad(a => a[0].Sum(), [x], [1]));
        Assert.Throws<ArgumentException>(() => Transforms.Grad(a => a[0].Sum(), [x, x], [1, 0]));
        Assert.Throws<MlxException>(() => Transforms.Grad(a => a[0].Sum(), [ids]));
        Assert.Throws<MlxException>(() => Transforms.Vjp(a => [a[0]], [x], [MlxArray.Ones([2])]));
        Assert.Throws<MlxException>(() => Transforms.Vjp(a => [a[0]], [x], []));
    }

    [Fact]
    public void Gradients_of_parameters_leave_the_module_as_it_was()
    {
        using ArrayScope scope = new();
        using Linear linear = new(MlxArray.From<float>([1, 2, 3, 4], 2, 2));
        MlxArray x = MlxArray.From<float>([5, 6], 1, 2);
        Parameter weight = Assert.Single(linear.TrainableParameters()).Parameter;
        MlxArray before = weight.Value;
        (MlxArray[] values, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
            [weight], () => [linear.Forward(x).Sum()]);
        Assert.Same(before, weight.Value);
        Assert.Equal(56f, values[0].Item<float>());
        Assert.Equal([5f, 6f, 5f, 6f], gradients[0].ToArray<float>());

        (_, MlxArray[] checkpointed) = ModuleGradients.ValueAndGrad(
            [weight],
            () => [ModuleGradients.Checkpoint([weight], a => [linear.Forward(a[0])])([x])[0].Sum()]);
        Assert.Equal([5f, 6f, 5f, 6f], checkpointed[0].ToArray<float>());
        linear.Freeze();
        Assert.Empty(linear.TrainableParameters());
    }

    [Fact]
    public void Transforms_leave_nothing_behind()
    {
        using ArrayScope outer = new();
        MlxArray x = MlxArray.From<float>(new float[1 << 16], 1 << 16);
        long Bytes()
        {
            for (int i = 0; i < 20; i++)
            {
                using ArrayScope scope = new();
                Func<MlxArray[], MlxArray[]> block = Transforms.Checkpoint(a => [a[0] * a[0] + 1f]);
                MlxArray gradient = Transforms.Grad(a => (block(a)[0] * block(a)[0] * 2f).Sum(), [x])[0];
                gradient.Eval();
                // built and never evaluated
                _ = Transforms.Vjp(a => [a[0] * a[0], a[0] + 1f], [x], [x, x]);
                _ = Transforms.Jvp(a => [a[0] * a[0], a[0] + 1f], [x], [x]);
                Assert.Throws<InvalidTimeZoneException>(() => Transforms.Grad(
                    a => a[0].Sum().Item<float>() < 1 ? throw new InvalidTimeZoneException() : a[0].Sum(), [x]));
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return MlxMemory.ActiveBytes;
        }
        long first = Bytes(), second = Bytes();
        Assert.True(second <= first, $"{second - first} bytes stay behind");
    }
}
