namespace ElmMlx.Checkpoints.Torch;

/// <summary>What an allowed name stands for.</summary>
internal enum PickleGlobalKind
{
    OrderedDict,
    RebuildTensor2,
    RebuildTensor3,
    RebuildParameter,
    Size,
    Device,
    Storage,
    DType,
}
