using System.Numerics;
using System.Text.Json;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace ElmMlx.Datasets;

/// <summary>
/// A column of a row group as JSON values, one a row. A nested column lies in a file as the values of its leaves, each
/// with two levels: definition, how many of the fields around it are there, and repetition, which list goes on with it.
/// </summary>
internal abstract class ParquetColumn : IDisposable
{
    /// <summary>The next value's definition level.</summary>
    protected abstract int Definition { get; }

    /// <summary>The next value's repetition level; 0 where a row begins, and at the end.</summary>
    protected abstract int Repetition { get; }

    /// <summary>What of a column cannot be a JSON value, with its type; null for nothing.</summary>
    public static string? Unreadable(Field field) => field switch
    {
        StructField fields => fields.Fields.Select(Unreadable).FirstOrDefault(name => name is not null),
        ListField list => Unreadable(list.Item),
        DataField { IsArray: false } data when IsKnown(data.ClrType) => null,
        DataField data => $"{data.Path} ({data.ClrType.Name.Split('`')[0]}{(data.IsArray ? ", repeated" : "")})",
        _ => $"{field.Path} ({field.SchemaType})",
    };

    /// <summary>Reads a column of which nothing is unreadable.</summary>
    public static ParquetColumn Read(ParquetRowGroupReader group, Field field) => field switch
    {
        StructField fields => new Struct(fields, [.. fields.Fields.Select(inner => (inner.Name, Read(group, inner)))]),
        ListField list => new List(list, Read(group, list.Item)),
        _ => Read(group, (DataField)field),
    };

    /// <summary>Writes the next value.</summary>
    public abstract void Write(Utf8JsonWriter json);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Passes over the place of a value that is not there.</summary>
    protected abstract void Pass();

    private static bool IsKnown(Type type) => type == typeof(string) || type == typeof(ReadOnlyMemory<char>)
        || Type.GetTypeCode(type) is TypeCode.Boolean or (>= TypeCode.SByte and <= TypeCode.Double);

    private static ParquetColumn Read(ParquetRowGroupReader group, DataField field)
    {
        return group.ReadRawColumnDataBaseAsync(field).AsTask().GetAwaiter().GetResult() switch
        {
            RawColumnData<ReadOnlyMemory<char>> texts => Leaf(texts, (json, text) => json.WriteStringValue(text.Span)),
            RawColumnData<bool> values => Leaf(values, (json, value) => json.WriteBooleanValue(value)),
            RawColumnData<float> numbers =>
                Leaf(numbers, (json, number) => Number(json, number, float.IsFinite(number))),
            RawColumnData<double> numbers =>
                Leaf(numbers, (json, number) => Number(json, number, double.IsFinite(number))),
            RawColumnData<sbyte> numbers => Leaf(numbers, Whole),
            RawColumnData<byte> numbers => Leaf(numbers, Whole),
            RawColumnData<short> numbers => Leaf(numbers, Whole),
            RawColumnData<ushort> numbers => Leaf(numbers, Whole),
            RawColumnData<int> numbers => Leaf(numbers, Whole),
            RawColumnData<uint> numbers => Leaf(numbers, Whole),
            RawColumnData<long> numbers => Leaf(numbers, Whole),
            RawColumnData<ulong> numbers => Leaf(numbers, Whole),
            var other => throw new NotSupportedException($"{field.Path} came as {other.GetType().Name}"),
        };

        Leaf<T> Leaf<T>(RawColumnData<T> raw, Action<Utf8JsonWriter, T> write)
            where T : struct => new(field, raw, write);
    }

    private static void Whole<T>(Utf8JsonWriter json, T number)
        where T : IBinaryInteger<T> => json.WriteNumberValue(decimal.CreateChecked(number));

    // JSON has no NaN and no infinity.
    private static void Number(Utf8JsonWriter json, double number, bool isFinite)
    {
        if (isFinite)
            json.WriteNumberValue(number);
        else
            json.WriteNullValue();
    }

    /// <summary>The values of a leaf: as many as have its full definition level.</summary>
    private sealed class Leaf<T>(DataField leaf, RawColumnData<T> raw, Action<Utf8JsonWriter, T> write) : ParquetColumn
        where T : struct
    {
        private readonly int _count = leaf.MaxDefinitionLevel > 0 ? raw.DefinitionLevels.Length : raw.Values.Length;
        private int _place, _value;

        protected override int Definition => leaf.MaxDefinitionLevel > 0 ? raw.DefinitionLevels[_place] : 0;

        protected override int Repetition =>
            leaf.MaxRepetitionLevel > 0 && _place < _count ? raw.RepetitionLevels[_place] : 0;

        public override void Write(Utf8JsonWriter json)
        {
            if (Definition == leaf.MaxDefinitionLevel)
                write(json, raw.Values[_value++]);
            else
                json.WriteNullValue();
            _place++;
        }

        public override void Dispose() => raw.Dispose();

        protected override void Pass() => _place++;
    }

    private sealed class Struct(StructField structure, (string Name, ParquetColumn Column)[] fields) : ParquetColumn
    {
        protected override int Definition => fields[0].Column.Definition;

        protected override int Repetition => fields[0].Column.Repetition;

        public override void Write(Utf8JsonWriter json)
        {
            if (Definition < structure.MaxDefinitionLevel)
            {
                json.WriteNullValue();
                Pass();
                return;
            }
            json.WriteStartObject();
            foreach ((string name, ParquetColumn column) in fields)
            {
                json.WritePropertyName(name);
                column.Write(json);
            }
            json.WriteEndObject();
        }

        public override void Dispose()
        {
            foreach ((_, ParquetColumn column) in fields)
                column.Dispose();
        }

        protected override void Pass()
        {
            foreach ((_, ParquetColumn column) in fields)
                column.Pass();
        }
    }

    /// <summary>A list: one level says that it is there, the next one that it has an item.</summary>
    private sealed class List(ListField list, ParquetColumn item) : ParquetColumn
    {
        protected override int Definition => item.Definition;

        protected override int Repetition => item.Repetition;

        public override void Write(Utf8JsonWriter json)
        {
            if (Definition < list.MaxDefinitionLevel - 1)
            {
                json.WriteNullValue();
                item.Pass();
                return;
            }
            json.WriteStartArray();
            if (Definition < list.MaxDefinitionLevel)
                item.Pass();
            else
            {
                do
                    item.Write(json);
                while (item.Repetition == list.MaxRepetitionLevel);
            }
            json.WriteEndArray();
        }

        public override void Dispose() => item.Dispose();

        protected override void Pass() => item.Pass();
    }
}
