using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ElmMlx.Bindings;

internal unsafe partial struct MlxTable
{
    /// <summary>The addresses as numbers, in the order of <see cref="Names"/>.</summary>
    public static Span<nint> Slots(ref MlxTable table) =>
        MemoryMarshal.CreateSpan(ref Unsafe.As<MlxTable, nint>(ref table), Count);

    /// <inheritdoc cref="Mlx.Fill"/>
    public void Fill(Func<string, nint> address)
    {
        var slots = Slots(ref this);
        for (var i = 0; i < Count; i++)
        {
            slots[i] = address(Names[i]);
            if (slots[i] == 0)
                throw new EntryPointNotFoundException($"the provider lacks {Names[i]}, which the MLX C interface has");
        }
    }
}
