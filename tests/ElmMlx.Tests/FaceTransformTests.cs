using Xunit;

namespace ElmMlx.Tests;

/// <summary>Functions mapped over an axis, with transforms of their own, compiled.</summary>
// Alone: while MLX transforms a function on one thread, it refuses to evaluate on any other.
[Collection(nameof(OpsReplayTests))]
public class FaceTransformTests
{
    private static readonly MlxArray X = MlxArray.From([1f, 2, 3, 4], 2, 2);

    [Fact]
    public void A_mapped_function_runs_for_every_index()
    {
        Func<MlxArray[], MlxArray[]> dot = a => [(a[0] * a[1]).Sum()];
        Assert.Equal([5f, 25], Transforms.Vmap(dot)([X, X])[0].ToArray<float>());
        Assert.Equal([3f, 7], Transforms.Vmap(dot, inAxes: [0, -1])([X, MlxArray.Ones([2])])[0].ToArray<float>());
        Assert.Equal([10f, 20], Transforms.Vmap(dot, inAxes: [1, 1])([X, X])[0].ToArray<float>());
        Func<MlxArray[], MlxArray[]> twice = Transforms.Vmap(a => [a[0] * 2], outAxes: [1]);
        Assert.Equal([2f, 6, 4, 8], twice([X])[0].ToArray<float>());
        FormatException thrown = new("mine");
        Assert.Same(thrown, Assert.Throws<FormatException>(() => Transforms.Vmap(_ => throw thrown)([X])));
    }

    [Fact]
    public void A_custom_function_has_the_transforms_that_it_was_given()
    {
        Func<MlxArray[], MlxArray[]> custom = Transforms.CustomFunction(
            a => [a[0].Square()],
            vjp: (_, cotangents, _) => [cotangents[0] * 10],
            jvp: (_, tangents, _) => [tangents[0] * 100],
            vmap: (inputs, axes) => ([-inputs[0]], axes));
        MlxArray x = MlxArray.From([3f, 4]), one = MlxArray.Ones([2]);
        Assert.Equal([9f, 16], custom([x])[0].ToArray<float>());
        Assert.Equal([10f, 10], Transforms.Vjp(custom, [x], [one]).Gradients[0].ToArray<float>());
        Assert.Equal([100f, 100], Transforms.Jvp(custom, [x], [one]).Tangents[0].ToArray<float>());
        Assert.Equal([-3f, -4], Transforms.Vmap(custom)([x])[0].ToArray<float>());
    }

    [Fact]
    public void A_compiled_function_answers_the_same()
    {
        using CompiledFunction compiled = Transforms.Compile(a => [a[0].Exp() * a[0] + 1], shapeless: true);
        MlxArray x = MlxArray.From([0f, 1]);
        Assert.Equal((x.Exp() * x + 1).ToArray<float>(), compiled.Apply(x)[0].ToArray<float>());
        Assert.Equal([1f], compiled.Apply(MlxArray.Zeros([1]))[0].ToArray<float>());
        Transforms.DisableCompile();
        Assert.Equal([1f], compiled.Apply(MlxArray.Zeros([1]))[0].ToArray<float>());
        Transforms.EnableCompile();
        Transforms.SetCompileMode(CompileMode.Enabled);
        Transforms.ClearCompileCache();
        compiled.Dispose();
        Assert.Throws<ObjectDisposedException>(() => compiled.Apply(x));
    }
}
