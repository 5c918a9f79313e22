using System.CommandLine;
using ElmMlx.Tools;
using ElmMlx.Tools.Elm;

RootCommand root = new("""
    Runs Apple's OpenELM language models through MLX.

      elm generate --model openelm-270m --prompt "Once upon a time"
      elm logits --model openelm-270m --tokens 1,450,4996 --output logits.safetensors
      elm info --model openelm-270m
      elm benchmark --config OpenELM-270M --dtype bfloat16 --prompt 512 --generate 64

    mlx-convert makes model folders. ELMMLX_PROVIDER (auto, mlx, cpu) chooses who computes, ELMMLX_MLXC names a libmlxc.
    """)
{
    GenerateCommand.Create(),
    LogitsCommand.Create(),
    TokenizeCommand.Create(),
    InfoCommand.Create(),
    BenchmarkCommand.Create(),
};
return CommandRunner.Run("elm", root, args);
