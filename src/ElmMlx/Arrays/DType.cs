namespace ElmMlx;

/// <summary>The type of an array's elements; the numbers are those of <c>mlx_dtype</c>.</summary>
public enum DType
{
    /// <summary>True or false, one byte.</summary>
    Bool,

    /// <summary>Unsigned, 8 bits.</summary>
    UInt8,

    /// <summary>Unsigned, 16 bits.</summary>
    UInt16,

    /// <summary>Unsigned, 32 bits.</summary>
    UInt32,

    /// <summary>Unsigned, 64 bits.</summary>
    UInt64,

    /// <summary>Signed, 8 bits.</summary>
    Int8,

    /// <summary>Signed, 16 bits.</summary>
    Int16,

    /// <summary>Signed, 32 bits.</summary>
    Int32,

    /// <summary>Signed, 64 bits.</summary>
    Int64,

    /// <summary>IEEE half precision.</summary>
    Float16,

    /// <summary>IEEE single precision.</summary>
    Float32,

    /// <summary>IEEE double precision; on the CPU only.</summary>
    Float64,

    /// <summary>The upper half of a float32.</summary>
    BFloat16,

    /// <summary>Two float32: real and imaginary part.</summary>
    Complex64,
}
