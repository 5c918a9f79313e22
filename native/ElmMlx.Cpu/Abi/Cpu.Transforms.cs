using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_eval(mlx_vector_array outputs)
    {
        Evaluator.Evaluate(Handles.Nodes(outputs));
        return 0;
    }

    // Evaluation keeps all cores busy: the caller gains nothing from a thread of its own for it.
    public static int mlx_async_eval(mlx_vector_array outputs) => mlx_eval(outputs);

    // Compiling would fuse kernels; the function as it is gives the same arrays.
    public static int mlx_compile(mlx_closure* res, mlx_closure fun, bool shapeless) => mlx_closure_set(res, fun);

    public static int mlx_detail_compile(
        mlx_closure* res, mlx_closure fun, nuint fun_id, bool shapeless, ulong* constants, nuint constants_num) =>
        mlx_closure_set(res, fun);

    public static int mlx_detail_compile_clear_cache() => 0;

    public static int mlx_detail_compile_erase(nuint fun_id) => 0;

    public static int mlx_disable_compile() => 0;

    public static int mlx_enable_compile() => 0;

    public static int mlx_set_compile_mode(mlx_compile_mode mode) => 0;
}
