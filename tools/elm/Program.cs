using System.CommandLine;
using ElmMlx.Tools;
using ElmMlx.Tools.Elm;

RootCommand root = new("""
    Runs Apple's OpenELM language models through MLX.

    mlx-convert makes model folders. ELMMLX_PROVIDER (auto, mlx, cpu) chooses who computes,
    ELMMLX_MLXC names a libmlxc.
    """)
{
    GenerateCommand.Create(),
    LogitsCommand.Create(),
    TokenizeCommand.Create(),
    InfoCommand.Create(),
    BenchmarkCommand.Create(),
    TrainCommand.Create(),
    LoraCommand.Create(),
    EvaluateCommand.Create(),
    DpoCommand.Create(),
    FuseCommand.Create(),
    UnfuseCommand.Create(),
};
ExampleHelp.AddTo(root);
return CommandRunner.Run("elm", root, args, endsWithReader: true);
