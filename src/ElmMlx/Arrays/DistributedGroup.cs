using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Processes that compute together. The CPU provider knows the group of one process.</summary>
public sealed unsafe class DistributedGroup : IDisposable
{
    private readonly mlx_distributed_group _handle;
    private bool _isDisposed;

    private DistributedGroup(mlx_distributed_group handle) => _handle = handle;

    /// <summary>This process's number in the group, from 0.</summary>
    public int Rank => Checked.mlx_distributed_group_rank(Handle);

    /// <summary>How many processes the group has.</summary>
    public int Size => Checked.mlx_distributed_group_size(Handle);

    private static mlx_stream Stream => ArrayThread.Current.Stream;

    private mlx_distributed_group Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _handle;
        }
    }

    /// <summary>Whether processes can talk to each other by <paramref name="backend"/>.</summary>
    /// <param name="backend"><c>any</c>, <c>ring</c>, <c>mpi</c>, <c>nccl</c> or <c>jaccl</c>.</param>
    public static bool IsAvailable(string backend = "any")
    {
        RuntimeLoader.EnsureLoaded();
        fixed (byte* name = NativeText.Of("backend", backend))
            return Checked.mlx_distributed_is_available(name);
    }

    /// <summary>The group of all processes; of this one alone where there are no others.</summary>
    /// <param name="strict">Whether it is an error when there are no others.</param>
    /// <param name="backend"><c>any</c>, <c>ring</c>, <c>mpi</c>, <c>nccl</c> or <c>jaccl</c>.</param>
    /// <exception cref="MlxException">The backend is not there, and <paramref name="strict"/>.</exception>
    public static DistributedGroup Init(bool strict = false, string backend = "any")
    {
        RuntimeLoader.EnsureLoaded();
        fixed (byte* name = NativeText.Of("backend", backend))
            return new DistributedGroup(Checked.mlx_distributed_init(strict, name));
    }

    /// <summary>The group of the processes that give the same color, in the order of their keys.</summary>
    /// <exception cref="MlxException">The backend cannot split, as that of one process.</exception>
    public DistributedGroup Split(int color, int key = -1) =>
        new(Checked.mlx_distributed_group_split(Handle, color, key));

    /// <summary>The sum of all processes' arrays, of x's shape and dtype.</summary>
    public MlxArray AllSum(MlxArray x) => New(Checked.mlx_distributed_all_sum(x.Handle, Handle, Stream), x);

    /// <summary>The largest of all processes' elements, of x's shape and dtype.</summary>
    public MlxArray AllMax(MlxArray x) => New(Checked.mlx_distributed_all_max(x.Handle, Handle, Stream), x);

    /// <summary>The smallest of all processes' elements, of x's shape and dtype.</summary>
    public MlxArray AllMin(MlxArray x) => New(Checked.mlx_distributed_all_min(x.Handle, Handle, Stream), x);

    /// <summary>All processes' arrays one after the other along the first axis.</summary>
    public MlxArray AllGather(MlxArray x) => New(Checked.mlx_distributed_all_gather(x.Handle, Handle, Stream), x);

    /// <summary>This process's part, along the first axis, of the sum of all arrays.</summary>
    public MlxArray SumScatter(MlxArray x) => New(Checked.mlx_distributed_sum_scatter(x.Handle, Handle, Stream), x);

    /// <summary>Sends an array to another process when the result is computed.</summary>
    /// <exception cref="MlxException">There is no such process, or it is this one.</exception>
    public MlxArray Send(MlxArray x, int destination) =>
        New(Checked.mlx_distributed_send(x.Handle, destination, Handle, Stream), x);

    /// <summary>Receives an array of a shape and dtype from another process.</summary>
    /// <exception cref="MlxException">There is no such process, or it is this one.</exception>
    public MlxArray Receive(ReadOnlySpan<int> shape, DType dtype, int source)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return MlxArray.Adopt(Checked.mlx_distributed_recv(
                sizes, (nuint)shape.Length, (mlx_dtype)dtype, source, Handle, stream));
    }

    /// <summary>Receives an array of the shape and dtype of <paramref name="like"/> from another process.</summary>
    /// <exception cref="MlxException">There is no such process, or it is this one.</exception>
    public MlxArray ReceiveLike(MlxArray like, int source) =>
        New(Checked.mlx_distributed_recv_like(like.Handle, source, Handle, Stream), like);

    /// <summary>Leaves the group.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Checked.mlx_distributed_group_free(_handle);
    }

    private static MlxArray New(mlx_array result, MlxArray x)
    {
        GC.KeepAlive(x);
        return MlxArray.Adopt(result);
    }
}
