using System.Runtime.CompilerServices;
using System.Text;

namespace ElmMlx.Cpu;

/// <summary>A text at an address that holds still as long as somebody holds the object; ends in a zero byte.</summary>
internal sealed unsafe class Utf8Text
{
    private readonly byte[] _bytes;

    public Utf8Text(string text)
    {
        _bytes = GC.AllocateArray<byte>(Encoding.UTF8.GetByteCount(text) + 1, pinned: true);
        Encoding.UTF8.GetBytes(text, _bytes);
        Value = text;
    }

    public string Value { get; }

    public byte* Pointer => (byte*)Unsafe.AsPointer(ref _bytes[0]);
}
