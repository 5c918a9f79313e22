namespace ElmMlx.Optimizers;

/// <summary>
/// Schedules from their descriptions; <see cref="Schedule.FromDescription"/> says what those look like.
/// </summary>
internal static class ScheduleReader
{
    // MLX's names, and their options in the order of MLX's functions: mlx-lm gives them so.
    private static readonly Dictionary<string, string[]> Names = new(StringComparer.Ordinal)
    {
        ["exponential_decay"] = ["init", "decay_rate"],
        ["step_decay"] = ["init", "decay_rate", "step_size"],
        ["cosine_decay"] = ["init", "decay_steps", "end"],
        ["linear_schedule"] = ["init", "end", "steps"],
        ["join_schedules"] = ["schedules", "boundaries"],
        ["corenet"] = [],
    };

    public static Schedule Read(object? description)
    {
        object? value = OptionValue.Plain(description);
        if (value is not IReadOnlyDictionary<string, object?> options)
            return OptionValue.Number(value) ?? throw new ArgumentException(
                $"a schedule is {OptionValue.Text(value)}: it must be a number or a mapping with a name",
                nameof(description));
        string name = options.GetValueOrDefault("name") as string ?? throw new ArgumentException(
            $"a schedule has no name: give one of {string.Join(", ", Names.Keys)}", nameof(description));
        if (!Names.TryGetValue(name, out string[]? order))
            throw new ArgumentException(
                $"there is no schedule '{name}': use one of {string.Join(", ", Names.Keys)}", nameof(description));
        return options.ContainsKey("arguments") ? ReadOrdered(name, order, options) : ReadNamed(name, options);
    }

    private static Schedule ReadNamed(string name, IReadOnlyDictionary<string, object?> options)
    {
        var reader = new OptionReader("the schedule " + name, options);
        reader.Skip("name");
        Schedule schedule = name switch
        {
            "exponential_decay" => new ExponentialDecay(reader.Number("init"), reader.Number("decay_rate")),
            "step_decay" =>
                new StepDecay(reader.Number("init"), reader.Number("decay_rate"), reader.Whole("step_size")),
            "cosine_decay" =>
                new CosineDecay(reader.Number("init"), reader.Whole("decay_steps"), reader.Number("end", 0)),
            "linear_schedule" => new LinearSchedule(reader.Number("init"), reader.Number("end"), reader.Whole("steps")),
            "join_schedules" => new JoinedSchedules(
                [.. reader.List("schedules").Select(Read)], [.. reader.Wholes("boundaries")]),
            _ => CoreNetSchedule.Read(reader),
        };
        reader.Finish();
        return schedule;
    }

    /// <summary>mlx-lm's <c>lr_schedule</c>. The first argument is the rate that the warm-up ends at.</summary>
    private static Schedule ReadOrdered(string name, string[] order, IReadOnlyDictionary<string, object?> options)
    {
        var reader = new OptionReader("lr_schedule", options);
        reader.Skip("name");
        IReadOnlyList<object?> arguments = reader.List("arguments");
        long warmup = reader.Whole("warmup", 0);
        double warmupInit = reader.Number("warmup_init", 0);
        reader.Finish();
        if (name is "join_schedules" or "corenet" || arguments.Count == 0 || arguments.Count > order.Length)
            throw new ArgumentException(
                $"lr_schedule: {name} cannot take {arguments.Count} arguments in order: give its options by name");
        Schedule schedule = ReadNamed(
            name, order.Zip(arguments).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal));
        if (warmup == 0)
            return schedule;
        // mlx-lm joins one update late, so the peak comes twice.
        var rise = new LinearSchedule(warmupInit, OptionValue.Number(arguments[0])!.Value, warmup);
        return new JoinedSchedules([rise, schedule], [warmup + 1]);
    }
}
