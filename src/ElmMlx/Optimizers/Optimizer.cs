using System.Globalization;
using ElmMlx.Nn;

namespace ElmMlx.Optimizers;

/// <summary>
/// Moves parameters against their gradients. What it remembers of each is its state, whose names are those of
/// MLX's flattened state: <c>layers.0.attn.qkv_proj.weight.m</c>.
/// </summary>
public abstract class Optimizer : IDisposable
{
    private const string Master = "master";
    private readonly Dictionary<string, ParameterState> _states = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<string> _slotNames;
    private readonly double? _weightDecay;

    /// <param name="name">MLX's name in lower case, for messages.</param>
    /// <param name="learningRate">The learning rate of all parameters without one of their own.</param>
    /// <param name="weightDecay">
    /// That of all parameters without one of their own; null: there is none to set.
    /// </param>
    /// <param name="slotNames">The arrays remembered of a parameter.</param>
    private protected Optimizer(string name, Schedule learningRate, double? weightDecay, params string[] slotNames)
    {
        ArgumentNullException.ThrowIfNull(learningRate);
        Name = name;
        LearningRate = learningRate;
        _weightDecay = weightDecay is { } decay ? Checks.NotNegative(decay, nameof(weightDecay), "weight_decay") : null;
        _slotNames = slotNames;
    }

    /// <summary>MLX's name in lower case, as <see cref="OptimizerFactory"/> takes it.</summary>
    public string Name { get; }

    /// <summary>The learning rate by finished updates: the next one takes <c>At(Step)</c>.</summary>
    public Schedule LearningRate { get; }

    /// <summary>Finished updates.</summary>
    public long Step { get; private set; }

    /// <summary>Set it before the first update.</summary>
    public OptimizerPrecision Precision { get; set; }

    /// <summary>
    /// What is special about a parameter, by its path; null for nothing. Asked once for each, at its first update.
    /// </summary>
    public Func<string, Parameter, ParameterGroup?>? Groups { get; set; }

    /// <summary>
    /// Everything that the next update depends on, apart from options and parameters: <c>step</c> (uint64), the
    /// last update's <c>learning_rate</c> (float32, for other readers; the schedule decides) and
    /// <c>&lt;path&gt;.&lt;slot&gt;</c>. The optimizer owns the arrays; they are valid until the next update.
    /// </summary>
    public IReadOnlyDictionary<string, MlxArray> State
    {
        get
        {
            var state = new Dictionary<string, MlxArray>(StringComparer.Ordinal)
            {
                ["step"] = MlxArray.Scalar(Step, DType.UInt64),
            };
            if (HasLearningRate)
                state["learning_rate"] = MlxArray.Scalar(LearningRate.At(Math.Max(Step - 1, 0)));
            foreach ((string path, ParameterState remembered) in _states)
                foreach ((string slot, MlxArray value) in remembered.Slots)
                    state[path + "." + slot] = value;
            return state;
        }
    }

    /// <summary>Whether the state has a learning rate; MLX's Adafactor can go without.</summary>
    private protected virtual bool HasLearningRate => true;

    /// <summary>
    /// Gives parameters their new values. Nothing is evaluated: evaluate parameters and <see cref="State"/>
    /// together, or graphs grow from update to update. The gradients stay the caller's; the parameters' former
    /// arrays are freed.
    /// </summary>
    /// <param name="parameters">With the path that their state is kept under.</param>
    /// <param name="gradients">In the same order, each of its parameter's shape.</param>
    /// <exception cref="ArgumentException">
    /// A gradient's shape or type, or a loaded state, does not fit its parameter. Nothing has changed then.
    /// </exception>
    public void Update(
        IReadOnlyList<(string Path, Parameter Parameter)> parameters, IReadOnlyList<MlxArray> gradients)
    {
        using var scope = new ArrayScope();
        var states = Prepare(parameters, gradients);
        double learningRate = LearningRate.At(Step);
        for (int i = 0; i < states.Length; i++)
        {
            Parameter parameter = parameters[i].Parameter;
            ParameterState state = states[i];
            var step = new UpdateStep(
                Step + 1, state.Group?.LearningRate?.At(Step) ?? learningRate,
                state.Group?.WeightDecay ?? _weightDecay ?? 0);
            DType type = parameter.Value.DType;
            bool hasMaster = state.TryGet(Master, out MlxArray? exact);
            MlxArray next = Precision is OptimizerPrecision.Gradient
                ? Apply(parameter.Value, gradients[i], state, step)
                : Apply(exact ?? Wide(parameter.Value), Wide(gradients[i]), state, step);
            parameter.Replace(next.DType == type ? next : next.AsType(type));
            if (hasMaster)
                state[Master] = next;
        }
        Step++;
    }

    /// <summary>
    /// Goes on from a state that <see cref="State"/> gave, or MLX's optimizer of the same name. The arrays stay
    /// the caller's, who may free them.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// A name is not one of this optimizer's, or <c>step</c> is missing. Nothing has changed then.
    /// </exception>
    public void LoadState(IReadOnlyDictionary<string, MlxArray> state)
    {
        if (!state.TryGetValue("step", out MlxArray? step) || step.Size != 1 || step.Item<long>() < 0)
            throw new ArgumentException(
                "the state has no 'step', the number of finished updates: it is not that of an optimizer",
                nameof(state));
        string[] known = [.. _slotNames, Master];
        foreach (string name in state.Keys)
        {
            int dot = name.LastIndexOf('.');
            if (name is not ("step" or "learning_rate") && (dot <= 0 || !known.Contains(name[(dot + 1)..])))
                throw new ArgumentException(
                    $"the state's '{name}' is not one of {Name}, which keeps {string.Join(", ", _slotNames)}: it " +
                    "was saved with another optimizer", nameof(state));
        }
        Step = step.Item<long>();
        ParameterState[] former = [.. _states.Values];
        _states.Clear();
        foreach ((string name, MlxArray value) in state)
        {
            int dot = name.LastIndexOf('.');
            if (dot > 0)
                StateAt(name[..dot])[name[(dot + 1)..]] = value.AsType(value.DType); // a second handle, not a copy
        }
        foreach (ParameterState remembered in former)
            remembered.Dispose();
    }

    /// <summary>Frees the state.</summary>
    public void Dispose()
    {
        foreach (ParameterState state in _states.Values)
            state.Dispose();
        _states.Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>One parameter's new value; sets what is to be remembered.</summary>
    /// <param name="parameter">The parameter, or its float32 copy.</param>
    /// <param name="gradient">Of the same shape.</param>
    /// <param name="state">What was remembered; zeros at first.</param>
    /// <param name="step">The update's numbers.</param>
    private protected abstract MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step);

    /// <summary>The arrays remembered of a parameter of a shape.</summary>
    private protected virtual IEnumerable<(string Name, int[] Shape)> Slots(int[] shape) =>
        _slotNames.Select(name => (name, shape));

    private ParameterState[] Prepare(
        IReadOnlyList<(string Path, Parameter Parameter)> parameters, IReadOnlyList<MlxArray> gradients)
    {
        if (parameters.Count != gradients.Count)
            throw new ArgumentException(
                $"{parameters.Count} parameters have {gradients.Count} gradients", nameof(gradients));
        var states = new ParameterState[gradients.Count];
        for (int i = 0; i < states.Length; i++)
        {
            (string path, Parameter parameter) = parameters[i];
            MlxArray value = parameter.Value, gradient = gradients[i];
            if (!value.DType.IsFloating() || !gradient.DType.IsFloating()
                || !gradient.Shape.AsSpan().SequenceEqual(value.Shape))
                throw new ArgumentException(
                    $"{path} is {value.Describe()} and its gradient {gradient.Describe()}: both must be floating " +
                    "and of one shape; freeze what is not to be trained", nameof(gradients));
            states[i] = StateAt(path);
            if (!states[i].IsReady)
                Complete(states[i], path, parameter, gradient);
        }
        return states;
    }

    // Zeros are one number stretched: they take no memory before something is added to them.
    private void Complete(ParameterState state, string path, Parameter parameter, MlxArray gradient)
    {
        state.Group = Groups?.Invoke(path, parameter);
        if (state.Group?.WeightDecay is { } decay && decay != 0 && _weightDecay is null)
            throw new ArgumentException(
                $"{path} is to have a weight decay of {decay.ToString(CultureInfo.InvariantCulture)}, and {Name} " +
                    "has none");
        DType type = Precision is OptimizerPrecision.Gradient ? gradient.DType : WideType(gradient.DType);
        bool isNew = state.Slots.Count == 0;
        foreach ((string name, int[] shape) in Slots(parameter.Value.Shape))
        {
            if (isNew)
                state[name] = MlxArray.Scalar(0, type).BroadcastTo(shape);
            else if (!state.TryGet(name, out MlxArray? loaded))
                throw new ArgumentException($"the state of {path} has no {name}: it was saved with other options");
            else if (!loaded.Shape.AsSpan().SequenceEqual(shape))
                throw new ArgumentException(
                    $"the state's {path}.{name} is {Shapes.Text(loaded.Shape)}, and the parameter needs " +
                    $"{Shapes.Text(shape)}: it was saved with another model");
        }
        if (Precision is not OptimizerPrecision.Float32Master)
            state.Remove(Master);
        else if (parameter.Value.DType != WideType(parameter.Value.DType) && !state.TryGet(Master, out _))
            state[Master] = Wide(parameter.Value);
        state.IsReady = true;
    }

    private ParameterState StateAt(string path)
    {
        if (!_states.TryGetValue(path, out ParameterState? state))
            _states.Add(path, state = new ParameterState());
        return state;
    }

    private static DType WideType(DType type) => type is DType.Float16 or DType.BFloat16 ? DType.Float32 : type;

    private static MlxArray Wide(MlxArray array) =>
        array.DType == WideType(array.DType) ? array : array.AsType(WideType(array.DType));
}
