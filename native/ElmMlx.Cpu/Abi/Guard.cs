using System.Text;

namespace ElmMlx.Cpu;

/// <summary>The error handler of this provider and the one way from an exception to it.</summary>
internal static unsafe class Guard
{
    private static readonly Lock Gate = new();
    private static delegate* unmanaged[Cdecl]<byte*, void*, void> s_handler; // null: print and end
    private static void* s_data;
    private static delegate* unmanaged[Cdecl]<void*, void> s_dtor;

    /// <summary>Sets the handler as mlx-c does: null restores the default, and data without dtor is dropped.</summary>
    public static void SetHandler(
        delegate* unmanaged[Cdecl]<byte*, void*, void> handler,
        void* data,
        delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        void* oldData;
        delegate* unmanaged[Cdecl]<void*, void> oldDtor;
        lock (Gate)
        {
            oldData = s_data;
            oldDtor = s_dtor;
            s_handler = handler;
            s_data = dtor is null ? null : data;
            s_dtor = dtor;
        }

        if (oldDtor is not null)
            oldDtor(oldData);
    }

    /// <summary>Refuses a null pointer where a function must be: a call of it could not be caught.</summary>
    public static void Given(void* function, string name)
    {
        if (function is null)
            throw new ArgumentException($"expected a function as {name}, not null");
    }

    /// <summary>Reports an exception on this thread.</summary>
    /// <returns>1, a failing function's answer.</returns>
    public static int Fail(Exception exception)
    {
        byte[] message = Encoding.UTF8.GetBytes(exception.Message + '\0');
        fixed (byte* text = message)
            Report(text);
        return 1;
    }

    /// <summary>Gives a message, a C text, to the handler. Without one it is printed, and the process ends.</summary>
    public static void Report(byte* message)
    {
        delegate* unmanaged[Cdecl]<byte*, void*, void> handler;
        void* data;
        lock (Gate)
        {
            handler = s_handler;
            data = s_data;
        }

        if (handler is null)
        {
            // C's own output, so that the line stands behind what the program printed before
            CFile.PrintLine("MLX error: " + Handles.Text(message));
            Environment.Exit(255);
        }

        handler(message, data);
    }
}
