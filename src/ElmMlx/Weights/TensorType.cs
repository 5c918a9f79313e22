namespace ElmMlx.Weights;

/// <summary>
/// Element types of safetensors files, in the order by which their writers sort tensors: larger alignment later.
/// Types narrower than a byte are not read.
/// </summary>
public enum TensorType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned byte.</summary>
    UInt8,

    /// <summary>Signed byte.</summary>
    Int8,

    /// <summary>8-bit floating point, 5 exponent bits.</summary>
    Float8E5M2,

    /// <summary>8-bit floating point, 4 exponent bits.</summary>
    Float8E4M3,

    /// <summary>8-bit power of two, as MX formats scale with.</summary>
    Float8E8M0,

    /// <summary>16-bit integer.</summary>
    Int16,

    /// <summary>Unsigned 16-bit integer.</summary>
    UInt16,

    /// <summary>IEEE half precision.</summary>
    Float16,

    /// <summary>The upper half of a float32.</summary>
    BFloat16,

    /// <summary>32-bit integer.</summary>
    Int32,

    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32,

    /// <summary>IEEE single precision.</summary>
    Float32,

    /// <summary>Two float32: real, imaginary.</summary>
    Complex64,

    /// <summary>IEEE double precision.</summary>
    Float64,

    /// <summary>64-bit integer.</summary>
    Int64,

    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64,
}
