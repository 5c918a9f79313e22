using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>Kernels in the languages of graphics processors: refused, for there is none here.</summary>
internal readonly unsafe partial struct Cpu
{
    public static mlx_fast_metal_kernel_config mlx_fast_metal_kernel_config_new() =>
        throw NoMetal();

    public static void mlx_fast_metal_kernel_config_free(mlx_fast_metal_kernel_config cls) =>
        Handles.FreeNone(cls.ctx, nameof(mlx_fast_metal_kernel_config));

    public static int mlx_fast_metal_kernel_config_add_output_arg(
        mlx_fast_metal_kernel_config cls, int* shape, nuint size, mlx_dtype dtype) =>
        throw NoMetal();

    public static int mlx_fast_metal_kernel_config_set_grid(
        mlx_fast_metal_kernel_config cls, int grid1, int grid2, int grid3) =>
        throw NoMetal();

    public static int mlx_fast_metal_kernel_config_set_thread_group(
        mlx_fast_metal_kernel_config cls, int thread1, int thread2, int thread3) =>
        throw NoMetal();

    public static int mlx_fast_metal_kernel_config_set_init_value(mlx_fast_metal_kernel_config cls, float value) =>
        throw NoMetal();

    public static int mlx_fast_metal_kernel_config_set_verbose(mlx_fast_metal_kernel_config cls, bool verbose) =>
        throw NoMetal();

    public static int mlx_fast_metal_kernel_config_add_template_arg_dtype(
        mlx_fast_metal_kernel_config cls, byte* name, mlx_dtype dtype) =>
        throw NoMetal();

    public static int mlx_fast_metal_kernel_config_add_template_arg_int(
        mlx_fast_metal_kernel_config cls, byte* name, int value) =>
        throw NoMetal();

    public static int mlx_fast_metal_kernel_config_add_template_arg_bool(
        mlx_fast_metal_kernel_config cls, byte* name, bool value) =>
        throw NoMetal();

    public static mlx_fast_metal_kernel mlx_fast_metal_kernel_new(
        byte* name, mlx_vector_string input_names, mlx_vector_string output_names, byte* source, byte* header,
        bool ensure_row_contiguous, bool atomic_outputs) =>
        throw NoMetal();

    public static void mlx_fast_metal_kernel_free(mlx_fast_metal_kernel cls) =>
        Handles.FreeNone(cls.ctx, nameof(mlx_fast_metal_kernel));

    public static int mlx_fast_metal_kernel_apply(
        mlx_vector_array* outputs, mlx_fast_metal_kernel cls, mlx_vector_array inputs,
        mlx_fast_metal_kernel_config config, mlx_stream stream) =>
        throw NoMetal();

    public static mlx_fast_cuda_kernel_config mlx_fast_cuda_kernel_config_new() =>
        throw NoCuda();

    public static void mlx_fast_cuda_kernel_config_free(mlx_fast_cuda_kernel_config cls) =>
        Handles.FreeNone(cls.ctx, nameof(mlx_fast_cuda_kernel_config));

    public static int mlx_fast_cuda_kernel_config_add_output_arg(
        mlx_fast_cuda_kernel_config cls, int* shape, nuint size, mlx_dtype dtype) =>
        throw NoCuda();

    public static int mlx_fast_cuda_kernel_config_set_grid(
        mlx_fast_cuda_kernel_config cls, int grid1, int grid2, int grid3) =>
        throw NoCuda();

    public static int mlx_fast_cuda_kernel_config_set_thread_group(
        mlx_fast_cuda_kernel_config cls, int thread1, int thread2, int thread3) =>
        throw NoCuda();

    public static int mlx_fast_cuda_kernel_config_set_init_value(mlx_fast_cuda_kernel_config cls, float value) =>
        throw NoCuda();

    public static int mlx_fast_cuda_kernel_config_set_verbose(mlx_fast_cuda_kernel_config cls, bool verbose) =>
        throw NoCuda();

    public static int mlx_fast_cuda_kernel_config_add_template_arg_dtype(
        mlx_fast_cuda_kernel_config cls, byte* name, mlx_dtype dtype) =>
        throw NoCuda();

    public static int mlx_fast_cuda_kernel_config_add_template_arg_int(
        mlx_fast_cuda_kernel_config cls, byte* name, int value) =>
        throw NoCuda();

    public static int mlx_fast_cuda_kernel_config_add_template_arg_bool(
        mlx_fast_cuda_kernel_config cls, byte* name, bool value) =>
        throw NoCuda();

    public static mlx_fast_cuda_kernel mlx_fast_cuda_kernel_new(
        byte* name, mlx_vector_string input_names, mlx_vector_string output_names, byte* source, byte* header,
        bool ensure_row_contiguous, int shared_memory) =>
        throw NoCuda();

    public static void mlx_fast_cuda_kernel_free(mlx_fast_cuda_kernel cls) =>
        Handles.FreeNone(cls.ctx, nameof(mlx_fast_cuda_kernel));

    public static int mlx_fast_cuda_kernel_apply(
        mlx_vector_array* outputs, mlx_fast_cuda_kernel cls, mlx_vector_array inputs,
        mlx_fast_cuda_kernel_config config, mlx_stream stream) =>
        throw NoCuda();

    private static NotSupportedException NoMetal() =>
        new("[metal_kernel] Metal kernels need a Mac with MLX: this provider computes on the processor.");

    private static NotSupportedException NoCuda() =>
        new("[cuda_kernel] CUDA kernels need an NVIDIA GPU with MLX: this provider computes on the processor.");
}
