using System.Globalization;
using System.Text;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// Prints an evaluated array as MLX does: <c>array([1, 2, 3], dtype=float32)</c>, long axes shortened.
/// </summary>
internal static unsafe class ArrayPrinter
{
    private const int MaxPrintedAtEachEnd = 3;

    public static string Print(Node node)
    {
        var text = new StringBuilder("array(");
        if (node.Rank == 0)
            Item(text, node, 0);
        else
            Axis(text, node, axis: 0, index: 0);
        return text.Append(", dtype=").Append(node.Type.Name()).Append(')').ToString();
    }

    private static void Axis(StringBuilder text, Node node, int axis, long index)
    {
        bool isLast = axis == node.Rank - 1;
        int length = node.Shape[axis];
        text.Append('[');
        for (int i = 0; i < length; i++)
        {
            if (i > 0 && !isLast)
                text.Append(' ', 7 + axis);
            if (i == MaxPrintedAtEachEnd && length > 2 * MaxPrintedAtEachEnd)
            {
                text.Append("...");
                i = length - MaxPrintedAtEachEnd - 1;
            }
            else if (isLast)
            {
                Item(text, node, index + i * node.Strides[axis]);
            }
            else
            {
                Axis(text, node, axis + 1, index + i * node.Strides[axis]);
            }

            if (i < length - 1)
                text.Append(isLast ? ", " : ",\n");
        }

        text.Append(']');
    }

    private static void Item(StringBuilder text, Node node, long index)
    {
        byte* item = (byte*)node.Data + index * node.Type.Size();
        switch (node.Type)
        {
            case MLX_BOOL:
                text.Append(*item != 0 ? "true" : "false");
                break;
            case MLX_UINT64:
                text.Append(*(ulong*)item);
                break;
            case MLX_COMPLEX64:
                float imaginary = ((float*)item)[1];
                bool isNegative = imaginary < 0;
                text.Append(Number(*(float*)item)).Append(isNegative ? '-' : '+')
                    .Append(Number(isNegative ? -imaginary : imaginary)).Append('j');
                break;
            default:
                if (node.Type.IsFloating())
                    text.Append(Number(ItemReader.ToDouble(item, node.Type)));
                else
                    text.Append(ItemReader.ToInt64(item, node.Type));
                break;
        }
    }

    // C's %g: six significant digits, trailing zeros dropped, exponents of at least two digits.
    private static string Number(double value)
    {
        if (double.IsNaN(value))
            return double.IsNegative(value) ? "-nan" : "nan";
        if (double.IsInfinity(value))
            return value < 0 ? "-inf" : "inf";
        if (value == 0)
            return double.IsNegative(value) ? "-0" : "0";
        string scientific = value.ToString("e5", CultureInfo.InvariantCulture);
        int at = scientific.IndexOf('e', StringComparison.Ordinal);
        int exponent = int.Parse(scientific.AsSpan(at + 1), CultureInfo.InvariantCulture);
        if (exponent is >= -4 and < 6)
            return Trimmed(value.ToString("F" + (5 - exponent), CultureInfo.InvariantCulture));
        return $"{Trimmed(scientific[..at])}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static string Trimmed(string digits) =>
        digits.Contains('.', StringComparison.Ordinal) ? digits.TrimEnd('0').TrimEnd('.') : digits;
}
