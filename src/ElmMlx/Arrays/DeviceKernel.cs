using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A kernel of one's own in a GPU's language: what those of all languages share.</summary>
public abstract unsafe class DeviceKernel : IDisposable
{
    private readonly int _outputCount;
    private bool _isDisposed;

    private protected DeviceKernel(int outputCount) => _outputCount = outputCount;

    /// <summary>The kernel's outputs.</summary>
    /// <param name="inputs">One for each name.</param>
    /// <param name="launch">The outputs' shapes and dtypes, and the threads.</param>
    /// <exception cref="ArgumentException">An output lacks a shape or a dtype.</exception>
    /// <exception cref="MlxException">The source does not compile.</exception>
    public MlxArray[] Apply(ReadOnlySpan<MlxArray> inputs, KernelLaunch launch)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (launch.OutputShapes.Count != _outputCount || launch.OutputDTypes.Count != _outputCount)
            throw new ArgumentException($"the kernel has {_outputCount} outputs: each needs a shape and a dtype");
        mlx_stream stream = ArrayThread.Current.Stream;
        void* configuration = NewConfiguration();
        using ArrayVector vector = new(inputs);
        mlx_vector_array outputs = default;
        try
        {
            Configure(configuration, launch);
            Run(&outputs, vector.Handle, configuration, stream);
        }
        finally
        {
            FreeConfiguration(configuration);
        }

        return ArrayVector.Take(outputs);
    }

    /// <summary>Frees the kernel.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        FreeKernel();
        GC.SuppressFinalize(this);
    }

    // The functions of one language; a configuration is its handle's context.
    private protected abstract void* NewConfiguration();

    private protected abstract void FreeConfiguration(void* configuration);

    private protected abstract void AddOutput(void* configuration, int* sizes, nuint rank, mlx_dtype dtype);

    private protected abstract void SetGrid(void* configuration, IntOrTriple threads);

    private protected abstract void SetThreadGroup(void* configuration, IntOrTriple threads);

    private protected abstract void SetInitialValue(void* configuration, float value);

    private protected abstract void SetVerbose(void* configuration, bool verbose);

    private protected abstract void AddDType(void* configuration, byte* name, mlx_dtype value);

    private protected abstract void AddNumber(void* configuration, byte* name, int value);

    private protected abstract void AddBool(void* configuration, byte* name, bool value);

    private protected abstract void Run(
        mlx_vector_array* outputs, mlx_vector_array inputs, void* configuration, mlx_stream stream);

    private protected abstract void FreeKernel();

    private void Configure(void* configuration, KernelLaunch launch)
    {
        for (int i = 0; i < launch.OutputShapes.Count; i++)
        {
            int[] shape = launch.OutputShapes[i];
            fixed (int* sizes = shape)
                AddOutput(configuration, sizes, (nuint)shape.Length, (mlx_dtype)launch.OutputDTypes[i]);
        }

        SetGrid(configuration, launch.Grid);
        SetThreadGroup(configuration, launch.ThreadGroup);
        if (launch.InitialValue is { } value)
            SetInitialValue(configuration, value);
        SetVerbose(configuration, launch.Verbose);
        foreach ((string name, DType dtype) in launch.DTypeArguments)
        {
            fixed (byte* key = NativeText.Of("name", name))
                AddDType(configuration, key, (mlx_dtype)dtype);
        }

        foreach ((string name, int number) in launch.NumberArguments)
        {
            fixed (byte* key = NativeText.Of("name", name))
                AddNumber(configuration, key, number);
        }

        foreach ((string name, bool truth) in launch.BoolArguments)
        {
            fixed (byte* key = NativeText.Of("name", name))
                AddBool(configuration, key, truth);
        }
    }
}
