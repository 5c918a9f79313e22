namespace ElmMlx.Tests;

/// <summary>Where the golden data lies: <c>tests/fixtures</c>, copied beside the test assembly.</summary>
internal static class Fixtures
{
    private static readonly string Root = System.IO.Path.Combine(AppContext.BaseDirectory, "fixtures");

    /// <summary>The full path of a file or folder under <c>tests/fixtures</c>.</summary>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    /// <summary>The full path of a file of the demo model.</summary>
    public static string Demo(string relative) =>
        System.IO.Path.Combine(AppContext.BaseDirectory, "demo", relative);
}
