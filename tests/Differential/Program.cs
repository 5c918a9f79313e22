using System.Globalization;
using System.Text.Json;
using ElmMlx.Differential;

if (args is ["run" or "record" or "show", ..])
    Environment.SetEnvironmentVariable("ELMMLX_PROVIDER", "cpu");     // here; libmlxc runs in a process of its own
switch (args)
{
    case ["serve"]:
        while (Console.ReadLine() is { } line)
            Console.WriteLine(JsonSerializer.Serialize(Execution.Run(FuzzProgram.Parse(line))));
        return 0;

    case ["run", string count, .. string[] rest]:
        return Campaign.Run(Number(count), rest.Length > 0 ? Number(rest[0]) : 1);

    case ["show", string seed]:
        FuzzProgram program = new ProgramGen().Of(Number(seed));
        Console.WriteLine($"{program.Describe()}\n{program.ToJson()}");
        return 0;

    case ["record", string count, string file]:
        return Recording.Write(Number(count), file);

    case ["replay", string file]:
        return Recording.Replay(file);

    default:
        Console.Error.WriteLine(
            "differential run COUNT [SEED] | show SEED | record COUNT FILE | replay FILE; "
            + "run and record need libmlxc: ELMMLX_MLXC=PATH");
        return 2;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
