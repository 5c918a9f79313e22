namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// How fields lie in memory, as constants of the compiled kernel: a 32-bit lane of a vector takes <see cref="FieldsPerLane"/>
/// consecutive fields from <see cref="LaneBytes"/> bytes, in one load or in two of half the fields each.
/// </summary>
internal interface IFieldBits
{
    static abstract int Bits { get; }

    static abstract int FieldsPerLane { get; }

    static abstract int LaneBytes { get; }

    /// <summary>Loads a lane takes: two where its fields do not fit into 32 bits.</summary>
    static virtual int Loads => 1;
}

internal readonly struct Bits2 : IFieldBits
{
    public static int Bits => 2;

    public static int FieldsPerLane => 16;

    public static int LaneBytes => 4;
}

internal readonly struct Bits3 : IFieldBits
{
    public static int Bits => 3;

    public static int FieldsPerLane => 8;

    public static int LaneBytes => 3;
}

internal readonly struct Bits4 : IFieldBits
{
    public static int Bits => 4;

    public static int FieldsPerLane => 8;

    public static int LaneBytes => 4;
}

internal readonly struct Bits5 : IFieldBits
{
    public static int Bits => 5;

    public static int FieldsPerLane => 8;

    public static int LaneBytes => 5;

    public static int Loads => 2;
}

internal readonly struct Bits6 : IFieldBits
{
    public static int Bits => 6;

    public static int FieldsPerLane => 4;

    public static int LaneBytes => 3;
}

internal readonly struct Bits8 : IFieldBits
{
    public static int Bits => 8;

    public static int FieldsPerLane => 4;

    public static int LaneBytes => 4;
}
