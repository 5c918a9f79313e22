namespace ElmMlx.OpenElm;

/// <summary>What a check needs to know about a tensor.</summary>
internal readonly record struct TensorShape(DType Type, IReadOnlyList<int> Shape);
