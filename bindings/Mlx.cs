namespace ElmMlx.Bindings;

/// <summary>The MLX C interface of the one provider that this process uses.</summary>
public static unsafe partial class Mlx
{
    internal static MlxTable Table;

    /// <summary>The C functions' names, in the headers' order.</summary>
    public static IReadOnlyList<string> Names => MlxTable.Names;

    /// <summary>Takes every function from a provider.</summary>
    /// <param name="address">A function's address by its C name; zero when the provider lacks it.</param>
    /// <exception cref="EntryPointNotFoundException">A function is missing; the message names the first.</exception>
    public static void Fill(Func<string, nint> address) => Table.Fill(address);
}
