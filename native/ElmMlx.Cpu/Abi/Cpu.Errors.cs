namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static void mlx_set_error_handler(
        delegate* unmanaged[Cdecl]<byte*, void*, void> handler,
        void* data,
        delegate* unmanaged[Cdecl]<void*, void> dtor) => Guard.SetHandler(handler, data, dtor);
}
