using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>
/// The distributed interface for one process: a group of rank 0 and size 1, over which sums, extremes and gatherings
/// are the array itself. There is nobody to send to.
/// </summary>
internal readonly unsafe partial struct Cpu
{
    private static readonly ProcessGroup SingleProcess = new();

    public static mlx_distributed_group mlx_distributed_group_new() => default;

    public static int mlx_distributed_group_free(mlx_distributed_group group)
    {
        Handles.Free<ProcessGroup>(group.ctx, nameof(mlx_distributed_group));
        return 0;
    }

    public static int mlx_distributed_init(mlx_distributed_group* res, bool strict, byte* bk)
    {
        string backend = Handles.Text(bk);
        if (backend is not ("any" or "mpi" or "ring" or "nccl" or "jaccl"))
            throw new ArgumentException(
                $"[distributed] The backend is any, mpi, ring, nccl or jaccl, not '{backend}'.");
        if (strict)
            throw new InvalidOperationException(
                $"[distributed] This provider runs in one process; it has no backend '{backend}'.");
        Handles.Replace(&res->ctx, SingleProcess, nameof(mlx_distributed_group));
        return 0;
    }

    public static int mlx_distributed_group_rank(mlx_distributed_group group)
    {
        CheckGroup(group);
        return 0;
    }

    public static int mlx_distributed_group_size(mlx_distributed_group group)
    {
        CheckGroup(group);
        return 1;
    }

    public static int mlx_distributed_group_split(
        mlx_distributed_group* res, mlx_distributed_group group, int color, int key)
    {
        CheckGroup(group);
        throw new InvalidOperationException("[distributed] A group of one process cannot be split.");
    }

    public static bool mlx_distributed_is_available(byte* bk) => false;

    public static int mlx_distributed_all_gather(
        mlx_array* res, mlx_array x, mlx_distributed_group group, mlx_stream S) => ReturnAlone(res, x, group);

    public static int mlx_distributed_all_max(
        mlx_array* res, mlx_array x, mlx_distributed_group group, mlx_stream s) => ReturnAlone(res, x, group);

    public static int mlx_distributed_all_min(
        mlx_array* res, mlx_array x, mlx_distributed_group group, mlx_stream s) => ReturnAlone(res, x, group);

    public static int mlx_distributed_all_sum(
        mlx_array* res, mlx_array x, mlx_distributed_group group, mlx_stream s) => ReturnAlone(res, x, group);

    public static int mlx_distributed_sum_scatter(
        mlx_array* res, mlx_array x, mlx_distributed_group group, mlx_stream s) => ReturnAlone(res, x, group);

    public static int mlx_distributed_send(
        mlx_array* res, mlx_array x, int dst, mlx_distributed_group group, mlx_stream s) => throw Nobody("send to");

    public static int mlx_distributed_recv(
        mlx_array* res, int* shape, nuint shape_num, mlx_dtype dtype, int src, mlx_distributed_group group,
        mlx_stream s) => throw Nobody("receive from");

    public static int mlx_distributed_recv_like(
        mlx_array* res, mlx_array x, int src, mlx_distributed_group group, mlx_stream s) =>
        throw Nobody("receive from");

    private static int ReturnAlone(mlx_array* res, mlx_array x, mlx_distributed_group group)
    {
        CheckGroup(group);
        return Return(res, Handles.Node(x));
    }

    // An empty handle is the group of all processes
    private static void CheckGroup(mlx_distributed_group group)
    {
        if (group.ctx is not null)
            _ = Handles.Target<ProcessGroup>(group.ctx, nameof(mlx_distributed_group));
    }

    private static InvalidOperationException Nobody(string what) =>
        new($"[distributed] There is nobody to {what}: the group has one process.");

    private sealed class ProcessGroup;
}
