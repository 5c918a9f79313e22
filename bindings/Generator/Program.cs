using ElmMlx.BindingsGenerator;

const string Usage = """
    usage: ElmMlx.BindingsGenerator extract --headers DIR --version NAME --output FILE.json
           ElmMlx.BindingsGenerator emit [--root DIR] [--check]
    """;

try
{
    switch (args)
    {
        case ["extract", "--headers", var headers, "--version", var version, "--output", var output]:
            var api = HeaderReader.Read(headers, version);
            File.WriteAllText(output, CInterfaceJson.Write(api));
            Console.WriteLine(
                $"{output}: {api.Functions.Count} functions, {api.Structs.Count} structs, {api.Enums.Count} enums");
            return 0;
        case ["emit", .. var options]:
            return Emit(options);
        default:
            Console.Error.WriteLine(Usage);
            return 2;
    }
}
catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

static int Emit(string[] options)
{
    var root = ".";
    var check = false;
    for (var i = 0; i < options.Length; i++)
    {
        if (options[i] == "--check")
            check = true;
        else if (options[i] == "--root" && i + 1 < options.Length)
            root = options[++i];
        else
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }
    }

    var emitter = Emitter.FromFolder(Path.Combine(root, "bindings"));
    var stale = 0;
    foreach (var (name, text) in emitter.Files().Concat(Mapping.FromFolder(root).Files()))
    {
        var path = Path.Combine(root, name);
        if (File.Exists(path) && File.ReadAllText(path) == text)
            continue;
        stale++;
        if (check)
            Console.Error.WriteLine($"{name} does not match what it is made from: run ./build.sh bindings");
        else
        {
            File.WriteAllText(path, text);
            Console.WriteLine($"wrote {name}");
        }
    }

    return check && stale > 0 ? 1 : 0;
}
