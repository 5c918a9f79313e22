namespace ElmMlx.Optimizers;

/// <summary>Schedules one after the other, each counting from its own boundary.</summary>
public sealed class JoinedSchedules : Schedule
{
    private readonly IReadOnlyList<Schedule> _schedules;
    private readonly IReadOnlyList<long> _boundaries;

    /// <summary>Joins schedules.</summary>
    /// <param name="schedules">At least one.</param>
    /// <param name="boundaries">The finished updates from which the second, third, … schedule holds.</param>
    /// <exception cref="ArgumentException">
    /// There is not one boundary less than there are schedules, or boundaries fall.
    /// </exception>
    public JoinedSchedules(IReadOnlyList<Schedule> schedules, IReadOnlyList<long> boundaries)
    {
        if (schedules.Count == 0 || boundaries.Count != schedules.Count - 1)
            throw new ArgumentException(
                $"{schedules.Count} joined schedules with {boundaries.Count} boundaries: there must be at least one " +
                "schedule, and one boundary less than schedules", nameof(boundaries));
        for (int i = 0; i < boundaries.Count; i++)
            if (boundaries[i] < (i == 0 ? 0 : boundaries[i - 1]))
                throw new ArgumentException(
                    $"boundaries are {string.Join(", ", boundaries)}: they must rise from 0", nameof(boundaries));
        _schedules = [.. schedules];
        _boundaries = [.. boundaries];
    }

    /// <inheritdoc/>
    public override double At(long step)
    {
        int i = _boundaries.Count;
        while (i > 0 && step < _boundaries[i - 1])
            i--;
        return _schedules[i].At(i == 0 ? step : step - _boundaries[i - 1]);
    }

    /// <inheritdoc/>
    public override object Describe() => new Dictionary<string, object?>
    {
        ["name"] = "join_schedules",
        ["schedules"] = _schedules.Select(schedule => schedule.Describe()).ToList(),
        ["boundaries"] = _boundaries.Select(boundary => (object)boundary).ToList(),
    };
}
