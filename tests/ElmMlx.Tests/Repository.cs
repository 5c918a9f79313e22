using System.Runtime.CompilerServices;

namespace ElmMlx.Tests;

/// <summary>The repository that the tests run in, for those that read sources and documentation.</summary>
internal static class Repository
{
    /// <summary>Its folder.</summary>
    public static string Root { get; } = Find();

    /// <summary>The full path of a file or folder.</summary>
    public static string At(string relative) => Path.Combine(Root, relative);

    // Above the test assembly, above this file, or above the working folder.
    private static string Find([CallerFilePath] string file = "")
    {
        foreach (string? start in (string?[])[AppContext.BaseDirectory, Path.GetDirectoryName(file),
            Environment.CurrentDirectory])
        {
            for (DirectoryInfo? at = start is null ? null : new(start); at is not null; at = at.Parent)
            {
                if (File.Exists(Path.Combine(at.FullName, "ElmMlx.sln")))
                    return at.FullName;
            }
        }

        throw new InvalidOperationException("ElmMlx.sln was not found: run the tests inside the repository");
    }
}
