using System.Numerics;
using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Affine rows as float32 panels (<see cref="PackedPanels"/>). First the lanes of as many rows as a vector has floats are turned, as
/// if they were floats: a vector then holds one lane of every row. Each shift of it yields one number of every row, and
/// scales and biases, turned as well, are vectors too: three or four instructions a vector of numbers, so that a product
/// of 512 rows takes as long as one with bfloat16 weights.
/// </summary>
internal static unsafe class FieldPanels<L, V, B>
    where L : struct, ISimd<V>
    where V : struct
    where B : struct, IFieldBits
{
    /// <summary>Numbers of a row that are turned at a time, and the most groups they touch.</summary>
    private const int PieceLength = 256, PieceGroups = 16;

    private static int Width => Tile<L, V>.Columns;

    /// <summary>Numbers that a lane yields in one load.</summary>
    private static int FieldsPerLoad => B.FieldsPerLane / B.Loads;

    /// <summary>Whether there are vectors at this width, and loads of these rows stay within the matrix.</summary>
    public static bool CanPack(in QuantizedMatrix w, int firstRow, int nRows) =>
        L.Count > 1 && (B.LaneBytes == 4 || (w.Rows - firstRow - nRows) * w.RowBytes >= FieldOrder.TailBytes);

    /// <summary>
    /// Packs <paramref name="count"/> numbers from number <paramref name="first"/> on, both multiples of 32, of each of
    /// <paramref name="nRows"/> rows. Lines of panels are rows, or where not <paramref name="rowsAreLines"/> numbers.
    /// </summary>
    public static void Pack(in QuantizedMatrix w, int firstRow, int nRows, int first, int count, bool rowsAreLines, float* to)
    {
        long panel = (long)(rowsAreLines ? count : nRows) * Width;
        for (int row = 0; row < nRows; row += L.Count)
        {
            int present = Math.Min(L.Count, nRows - row);
            for (int number = 0; number < count; number += PieceLength)
            {
                int length = Math.Min(PieceLength, count - number);
                float* at = rowsAreLines
                    ? to + row / Width * panel + row % Width + (long)number * Width
                    : to + number / Width * panel + (long)row * Width;
                switch (w.ScaleType)
                {
                    case mlx_dtype.MLX_FLOAT32:
                        PackPiece<Float32Format>(w, firstRow + row, present, first + number, length, rowsAreLines, panel, at);
                        break;
                    case mlx_dtype.MLX_BFLOAT16:
                        PackPiece<BFloat16Format>(w, firstRow + row, present, first + number, length, rowsAreLines, panel, at);
                        break;
                    default:
                        PackPiece<Float16Format>(w, firstRow + row, present, first + number, length, rowsAreLines, panel, at);
                        break;
                }
            }
        }
    }

    /// <summary>At most as many rows as a vector has lanes, at most <see cref="PieceLength"/> numbers of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackPiece<S>(
        in QuantizedMatrix w, int row, int nRows, int first, int length, bool rowsAreLines, long panel, float* to)
        where S : struct, IFloatFormat
    {
        int lanesPerRow = w.Columns / B.FieldsPerLane, nLanes = length / B.FieldsPerLane, firstLane = first / B.FieldsPerLane;
        float* words = stackalloc float[PieceLength / B.FieldsPerLane * B.Loads * L.Count];
        void* lanes = (byte*)w.Words + ((long)row * lanesPerRow + firstLane) * B.LaneBytes;
        PackedPanels.Pack<L, V, LaneFormat>(lanes, lanesPerRow, 1, nRows, nLanes, L.Count, words);
        if (B.Loads == 2)
            PackedPanels.Pack<L, V, SecondLoadFormat>(lanes, lanesPerRow, 1, nRows, nLanes, L.Count, words + nLanes * L.Count);

        int groupBits = BitOperations.Log2((uint)w.GroupSize), firstGroup = first >> groupBits;
        int nGroups = ((first + length - 1) >> groupBits) - firstGroup + 1;
        float* steps = stackalloc float[2 * PieceGroups * L.Count], starts = steps + PieceGroups * L.Count;
        long group = ((long)row * w.GroupsPerRow + firstGroup) * S.Size;
        PackedPanels.Pack<L, V, S>((byte*)w.Scales + group, w.GroupsPerRow, 1, nRows, nGroups, L.Count, steps);
        PackedPanels.Pack<L, V, S>((byte*)w.Biases + group, w.GroupsPerRow, 1, nRows, nGroups, L.Count, starts);

        V table = L.FieldTable(B.Bits), centre = L.Create(1 << (B.Bits - 1));
        for (int i = 0; i < nLanes * B.Loads; i++, words += L.Count)
        {
            int load = i / nLanes, number = (i - load * nLanes) * B.FieldsPerLane + load * FieldsPerLoad;
            int at = (((first + number) >> groupBits) - firstGroup) * L.Count;
            V fields = L.Load(words), step = L.Load(steps + at), start = L.MultiplyAdd(step, centre, L.Load(starts + at));
            for (int end = number + FieldsPerLoad; number < end; number += 4)
            {
                V x0 = L.MultiplyAdd(step, L.LowField(fields, B.Bits, table), start);
                fields = L.ShiftWords(fields, B.Bits);
                V x1 = L.MultiplyAdd(step, L.LowField(fields, B.Bits, table), start);
                fields = L.ShiftWords(fields, B.Bits);
                V x2 = L.MultiplyAdd(step, L.LowField(fields, B.Bits, table), start);
                fields = L.ShiftWords(fields, B.Bits);
                V x3 = L.MultiplyAdd(step, L.LowField(fields, B.Bits, table), start);
                fields = L.ShiftWords(fields, B.Bits);
                if (rowsAreLines)
                {
                    float* line = to + number * Width;
                    L.Store(x0, line);
                    L.Store(x1, line + Width);
                    L.Store(x2, line + 2 * Width);
                    L.Store(x3, line + 3 * Width);
                }
                else if (nRows == L.Count)
                {
                    L.StoreTurned(x0, x1, x2, x3, to + number / Width * panel + number % Width, Width);
                }
                else
                {
                    StoreFewRows(x0, x1, x2, x3, nRows, to + number / Width * panel + number % Width);
                }
            }
        }
    }

    // Rows that fill no vector are the panel's last ones: nothing may be written behind them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreFewRows(V x0, V x1, V x2, V x3, int nRows, float* to)
    {
        float* numbers = stackalloc float[4 * L.Count];
        L.StoreTurned(x0, x1, x2, x3, numbers, 4);
        for (int row = 0; row < nRows; row++)
            new Span<float>(numbers + 4 * row, 4).CopyTo(new Span<float>(to + row * Width, 4));
    }

    /// <summary>Lanes as if they were floats: nothing but their bits is moved.</summary>
    private readonly struct LaneFormat : IFloatFormat
    {
        public static int Size => B.LaneBytes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static W Load<M, W>(void* from, long index)
            where M : struct, ISimd<W>
            where W : struct => FieldOrder<M, W, B>.Lanes((byte*)from + index * B.LaneBytes, 0);

        public static void Store<M, W>(W value, void* to, long index)
            where M : struct, ISimd<W>
            where W : struct => throw new NotSupportedException();
    }

    /// <summary>The lanes' second halves.</summary>
    private readonly struct SecondLoadFormat : IFloatFormat
    {
        public static int Size => B.LaneBytes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static W Load<M, W>(void* from, long index)
            where M : struct, ISimd<W>
            where W : struct => FieldOrder<M, W, B>.Lanes((byte*)from + index * B.LaneBytes, 1);

        public static void Store<M, W>(W value, void* to, long index)
            where M : struct, ISimd<W>
            where W : struct => throw new NotSupportedException();
    }
}
