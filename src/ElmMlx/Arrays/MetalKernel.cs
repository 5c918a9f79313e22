using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A kernel of one's own in Metal's language. It runs on a GPU, with MLX only.</summary>
public sealed unsafe class MetalKernel : IDisposable
{
    private readonly mlx_fast_metal_kernel _kernel;
    private readonly int _outputCount;
    private bool _isDisposed;

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
    {
        RuntimeLoader.EnsureLoaded();
        _outputCount = outputNames.Count;
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

    /// <summary>The kernel's outputs.</summary>
    /// <exception cref="MlxException">The source does not compile, or outputs have no shape or dtype.</exception>
    public MlxArray[] Apply(ReadOnlySpan<MlxArray> inputs, KernelLaunch launch)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (launch.OutputShapes.Count != _outputCount || launch.OutputDTypes.Count != _outputCount)
            throw new ArgumentException($"the kernel has {_outputCount} outputs: each needs a shape and a dtype");
        mlx_stream stream = ArrayThread.Current.Stream;
        mlx_fast_metal_kernel_config configuration = Checked.mlx_fast_metal_kernel_config_new();
        using ArrayVector vector = new(inputs);
        mlx_vector_array outputs = default;
        try
        {
            Configure(configuration, launch);
            Checked.mlx_fast_metal_kernel_apply(&outputs, _kernel, vector.Handle, configuration, stream);
        }
        finally
        {
            Checked.mlx_fast_metal_kernel_config_free(configuration);
        }

        return ArrayVector.Take(outputs);
    }

    /// <summary>Frees the kernel.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Checked.mlx_fast_metal_kernel_free(_kernel);
    }

    private static void Configure(mlx_fast_metal_kernel_config configuration, KernelLaunch launch)
    {
        for (int i = 0; i < launch.OutputShapes.Count; i++)
        {
            int[] shape = launch.OutputShapes[i];
            fixed (int* sizes = shape)
                Checked.mlx_fast_metal_kernel_config_add_output_arg(
                    configuration, sizes, (nuint)shape.Length, (mlx_dtype)launch.OutputDTypes[i]);
        }

        (IntOrTriple grid, IntOrTriple group) = (launch.Grid, launch.ThreadGroup);
        Checked.mlx_fast_metal_kernel_config_set_grid(configuration, grid.First, grid.Second, grid.Third);
        Checked.mlx_fast_metal_kernel_config_set_thread_group(configuration, group.First, group.Second, group.Third);
        if (launch.InitialValue is { } value)
            Checked.mlx_fast_metal_kernel_config_set_init_value(configuration, value);
        Checked.mlx_fast_metal_kernel_config_set_verbose(configuration, launch.Verbose);
        foreach ((string name, DType dtype) in launch.DTypeArguments)
        {
            fixed (byte* key = NativeText.Of("name", name))
                Checked.mlx_fast_metal_kernel_config_add_template_arg_dtype(configuration, key, (mlx_dtype)dtype);
        }

        foreach ((string name, int number) in launch.NumberArguments)
        {
            fixed (byte* key = NativeText.Of("name", name))
                Checked.mlx_fast_metal_kernel_config_add_template_arg_int(configuration, key, number);
        }

        foreach ((string name, bool truth) in launch.BoolArguments)
        {
            fixed (byte* key = NativeText.Of("name", name))
                Checked.mlx_fast_metal_kernel_config_add_template_arg_bool(configuration, key, truth);
        }
    }
}
