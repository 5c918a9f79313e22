using ElmMlx.Cpu.Kernels;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Tests that set the width of vectors or the number of threads, which are the process's: they run while nothing else
/// does, or a test that compares two runs of a model would see two widths.
/// </summary>
[CollectionDefinition(nameof(VectorWidth), DisableParallelization = true)]
public sealed class VectorWidthCollection;
