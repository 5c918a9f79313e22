namespace ElmMlx.Checkpoints.Torch;

/// <summary>What a file seems to be instead of a checkpoint, from its first bytes.</summary>
internal static class FileKinds
{
    public static string Describe(ReadOnlySpan<byte> start)
    {
        if (start.IsEmpty)
            return "it is empty";
        if (start.Length >= 262 && start[257..].StartsWith("ustar"u8))
            return "it is a tar file, the container of PyTorch 0.1, which is not read";
        if (start.StartsWith("version https://git-lfs"u8))
            return "it is a pointer of git-lfs; fetch the file itself with 'git lfs pull'";
        if (start.StartsWith((ReadOnlySpan<byte>)[0x37, 0x7A, 0xBC, 0xAF]))
            return "it is a 7z archive; unpack it first";
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
            return "it is compressed with gzip; unpack it first";
        if (start[0] == '<')
            return "it is a web page or XML, probably an error page of a download";
        if (start.Length > 9 && start[8] == '{' && start[7] == 0)
            return "it is a safetensors file; give the folder that holds it";
        if (start[0] is (byte)'{' or (byte)'[')
            return "it is JSON";
        if (!start.ContainsAnyExcept((byte)0))
            return "it begins with zeros, as a download that was broken off does";
        return "its first bytes are those of no container that PyTorch writes";
    }
}
