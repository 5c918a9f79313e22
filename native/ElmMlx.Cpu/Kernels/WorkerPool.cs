namespace ElmMlx.Cpu.Kernels;

/// <summary>Runs the parts of a kernel on the cores of this process.</summary>
internal static class WorkerPool
{
    /// <summary>
    /// Calls <paramref name="body"/> with 0 … <paramref name="nTasks"/> − 1, each once, in any order and on any thread,
    /// and returns when all have run. How work is cut into tasks must not depend on the number of threads: results are
    /// then the same bits for one thread and many.
    /// </summary>
    public static void Run(int nTasks, Action<int> body)
    {
        for (int task = 0; task < nTasks; task++)
            body(task);
    }
}
