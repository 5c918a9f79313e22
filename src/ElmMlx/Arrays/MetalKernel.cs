using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A kernel of one's own in Metal's language. It runs on a GPU, with MLX only.</summary>
public sealed unsafe class MetalKernel : DeviceKernel
{
    private readonly mlx_fast_metal_kernel _kernel;

    /// <summary>Keeps a kernel's source; it is compiled when it runs.</summary>
    /// <param name="name">The function's name.</param>
    /// <param name="inputNames">What the source calls its inputs.</param>
    /// <param name="outputNames">What the source calls its outputs.</param>
    /// <param name="source">The body of the function.</param>
    /// <param name="header">What stands before the function.</param>
    /// <param name="ensureRowContiguous">Whether inputs are copied where their last axis does not come first.</param>
    /// <param name="atomicOutputs">Whether outputs are written atomically.</param>
    /// <exception cref="MlxException">The provider has no Metal.</exception>
    public MetalKernel(
        string name,
        IReadOnlyList<string> inputNames,
        IReadOnlyList<string> outputNames,
        string source,
        string header = "",
        bool ensureRowContiguous = true,
        bool atomicOutputs = false)
        : base(outputNames.Count)
    {
        RuntimeLoader.EnsureLoaded();
        mlx_vector_string inputs = NativeText.List("name", inputNames);
        mlx_vector_string outputs = NativeText.List("name", outputNames);
        try
        {
            fixed (byte* title = NativeText.Of("name", name))
            fixed (byte* body = NativeText.Source(source))
            fixed (byte* before = NativeText.Source(header))
                _kernel = Checked.mlx_fast_metal_kernel_new(
                    title, inputs, outputs, body, before, ensureRowContiguous, atomicOutputs);
        }
        finally
        {
            Checked.mlx_vector_string_free(inputs);
            Checked.mlx_vector_string_free(outputs);
        }
    }

    private protected override void* NewConfiguration() => Checked.mlx_fast_metal_kernel_config_new().ctx;

    private protected override void FreeConfiguration(void* configuration) =>
        Checked.mlx_fast_metal_kernel_config_free(Of(configuration));

    private protected override void AddOutput(void* configuration, int* sizes, nuint rank, mlx_dtype dtype) =>
        Checked.mlx_fast_metal_kernel_config_add_output_arg(Of(configuration), sizes, rank, dtype);

    private protected override void SetGrid(void* configuration, IntOrTriple threads) =>
        Checked.mlx_fast_metal_kernel_config_set_grid(Of(configuration), threads.First, threads.Second, threads.Third);

    private protected override void SetThreadGroup(void* configuration, IntOrTriple threads) =>
        Checked.mlx_fast_metal_kernel_config_set_thread_group(
            Of(configuration), threads.First, threads.Second, threads.Third);

    private protected override void SetInitialValue(void* configuration, float value) =>
        Checked.mlx_fast_metal_kernel_config_set_init_value(Of(configuration), value);

    private protected override void SetVerbose(void* configuration, bool verbose) =>
        Checked.mlx_fast_metal_kernel_config_set_verbose(Of(configuration), verbose);

    private protected override void AddDType(void* configuration, byte* name, mlx_dtype value) =>
        Checked.mlx_fast_metal_kernel_config_add_template_arg_dtype(Of(configuration), name, value);

    private protected override void AddNumber(void* configuration, byte* name, int value) =>
        Checked.mlx_fast_metal_kernel_config_add_template_arg_int(Of(configuration), name, value);

    private protected override void AddBool(void* configuration, byte* name, bool value) =>
        Checked.mlx_fast_metal_kernel_config_add_template_arg_bool(Of(configuration), name, value);

    private protected override void Run(
        mlx_vector_array* outputs, mlx_vector_array inputs, void* configuration, mlx_stream stream) =>
        Checked.mlx_fast_metal_kernel_apply(outputs, _kernel, inputs, Of(configuration), stream);

    private protected override void FreeKernel() => Checked.mlx_fast_metal_kernel_free(_kernel);

    private static mlx_fast_metal_kernel_config Of(void* configuration) => new() { ctx = configuration };
}
