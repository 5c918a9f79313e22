using System.Text;

namespace ElmMlx.Text;

/// <summary>The contents of a <c>.model</c> file, checked as sentencepiece checks them.</summary>
internal sealed class SentencePieceModel
{
    public enum PieceType
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    public enum ModelType
    {
        Unigram = 1,
        Bpe = 2,
        Word = 3,
        Char = 4,
    }

    public sealed record Piece(byte[] Text, float Score, PieceType Type);

    public List<Piece> Pieces { get; } = [];
    public ModelType Type { get; private set; } = ModelType.Unigram;
    public bool TreatsWhitespaceAsSuffix { get; private set; }
    public bool ByteFallback { get; private set; }
    public string UnknownSurface { get; private set; } = " \u2047 ";
    public string UnknownPiece { get; private set; } = "<unk>";
    public string BosPiece { get; private set; } = "<s>";
    public string EosPiece { get; private set; } = "</s>";
    public string PadPiece { get; private set; } = "<pad>";
    public byte[] Charsmap { get; private set; } = [];
    public bool AddsDummyPrefix { get; private set; } = true;
    public bool RemovesExtraWhitespaces { get; private set; } = true;
    public bool EscapesWhitespaces { get; private set; } = true;

    /// <summary>The one piece for text that has no other.</summary>
    public int UnknownId { get; private set; } = -1;

    /// <summary>The pieces of all 256 bytes where the model falls back to bytes; else empty.</summary>
    public int[] ByteIds { get; private set; } = [];

    public static SentencePieceModel Parse(ReadOnlySpan<byte> data)
    {
        var model = new SentencePieceModel();
        var reader = new ProtobufReader(data);
        while (reader.Next())
        {
            switch (reader.Field, reader.Wire)
            {
                case (1, ProtobufReader.WireType.Bytes):
                    model.Pieces.Add(ReadPiece(reader.ReadBytes()));
                    break;
                case (2, ProtobufReader.WireType.Bytes):
                    model.ReadTrainerSpec(reader.ReadBytes());
                    break;
                case (3, ProtobufReader.WireType.Bytes):
                    model.ReadNormalizerSpec(reader.ReadBytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        model.Check();
        return model;
    }

    private static Piece ReadPiece(ReadOnlySpan<byte> data)
    {
        byte[] text = [];
        var score = 0f;
        var type = PieceType.Normal;
        var reader = new ProtobufReader(data);
        while (reader.Next())
        {
            switch (reader.Field, reader.Wire)
            {
                case (1, ProtobufReader.WireType.Bytes):
                    text = reader.ReadBytes().ToArray();
                    break;
                case (2, ProtobufReader.WireType.Fixed32):
                    score = reader.ReadFloat();
                    break;
                case (3, ProtobufReader.WireType.Varint):
                    // A closed enumeration: values it does not know are as if absent.
                    if ((int)reader.ReadVarint() is >= 1 and <= 6 and var value)
                        type = (PieceType)value;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new Piece(text, score, type);
    }

    private void ReadTrainerSpec(ReadOnlySpan<byte> data)
    {
        var reader = new ProtobufReader(data);
        while (reader.Next())
        {
            switch (reader.Field, reader.Wire)
            {
                case (3, ProtobufReader.WireType.Varint):
                    if ((int)reader.ReadVarint() is >= 1 and <= 4 and var value)
                        Type = (ModelType)value;
                    break;
                case (24, ProtobufReader.WireType.Varint):
                    TreatsWhitespaceAsSuffix = reader.ReadVarint() != 0;
                    break;
                case (35, ProtobufReader.WireType.Varint):
                    ByteFallback = reader.ReadVarint() != 0;
                    break;
                case (44, ProtobufReader.WireType.Bytes):
                    UnknownSurface = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                case (45, ProtobufReader.WireType.Bytes):
                    UnknownPiece = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                case (46, ProtobufReader.WireType.Bytes):
                    BosPiece = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                case (47, ProtobufReader.WireType.Bytes):
                    EosPiece = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                case (48, ProtobufReader.WireType.Bytes):
                    PadPiece = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private void ReadNormalizerSpec(ReadOnlySpan<byte> data)
    {
        var reader = new ProtobufReader(data);
        while (reader.Next())
        {
            switch (reader.Field, reader.Wire)
            {
                case (2, ProtobufReader.WireType.Bytes):
                    Charsmap = reader.ReadBytes().ToArray();
                    break;
                case (3, ProtobufReader.WireType.Varint):
                    AddsDummyPrefix = reader.ReadVarint() != 0;
                    break;
                case (4, ProtobufReader.WireType.Varint):
                    RemovesExtraWhitespaces = reader.ReadVarint() != 0;
                    break;
                case (5, ProtobufReader.WireType.Varint):
                    EscapesWhitespaces = reader.ReadVarint() != 0;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private void Check()
    {
        var byteIds = new int[256];
        Array.Fill(byteIds, -1);
        for (var id = 0; id < Pieces.Count; id++)
        {
            var (text, _, type) = Pieces[id];
            if (text.Length == 0)
                throw new FormatException($"piece {id} is empty");
            if (text.AsSpan().Contains((byte)0))
                throw new FormatException($"piece {id} holds a null character");
            if (type == PieceType.Unknown)
                UnknownId = UnknownId < 0 ? id : throw new FormatException($"piece {id} is a second unknown piece");
            if (type == PieceType.Byte)
                byteIds[ByteOf(id)] = id;
        }
        if (UnknownId < 0)
            throw new FormatException("has no unknown piece, as a SentencePiece model must");
        if (ByteFallback && Array.IndexOf(byteIds, -1) is >= 0 and var missing)
            throw new FormatException($"falls back to bytes but has no piece <0x{missing:X2}>");
        if (ByteFallback)
            ByteIds = byteIds;
    }

    private int ByteOf(int id)
    {
        var text = Encoding.UTF8.GetString(Pieces[id].Text);
        if (!ByteFallback)
            throw new FormatException($"has the byte piece {text} but does not fall back to bytes");
        // Capitals only, as sentencepiece has it.
        if (Decoders.TryGetByte(text, out var value) && text == $"<0x{value:X2}>")
            return value;
        throw new FormatException($"piece {id} is called {text}, which is no byte piece's name");
    }
}
