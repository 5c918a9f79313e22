using CsCheck;

namespace ElmMlx.Differential;

/// <summary>Programs of one to six operations. The provider that is loaded tells the shapes on the way.</summary>
internal sealed class ProgramGen : Gen<FuzzProgram>
{
    /// <summary>The program of a number: the same each time.</summary>
    public FuzzProgram Of(int seed) => Generate(new PCG((uint)seed, 1_000_003ul * (ulong)seed), null, out _);

    public override FuzzProgram Generate(PCG pcg, Size? min, out Size size)
    {
        using var draft = new Draft(pcg);
        string transform = draft.Pick("none", "none", "none", "vjp", "vjp", "jvp", "checkpoint", "vmap");
        draft.Begin(transform);
        int length = 1 + draft.Next(transform == "none" ? 6 : 4);
        for (int attempt = 0; attempt < 3 * length && draft.Program.Steps.Count < length && !draft.IsRefused; attempt++)
            draft.Add(Catalogue.Any(draft));
        size = new Size((ulong)(100 * draft.Program.Steps.Count + draft.Program.Inputs.Count));
        return draft.End();
    }
}
