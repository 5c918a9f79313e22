namespace ElmMlx.Nn;

/// <summary>
/// A layer, or a tree of layers. Names are checkpoint keys: joined with dots they spell the tensor's name
/// (<c>layers.3.attn.qkv_proj.weight</c>). A module owns its parameters and its children.
/// </summary>
public abstract partial class Module : IDisposable
{
    private readonly List<ModuleSlot> _children = [];
    private readonly List<Parameter> _parameters = [];
    private readonly bool _isOwn;

    /// <summary>A module without parameters and children.</summary>
    protected Module() => _isOwn = GetType().Assembly == typeof(Module).Assembly;

    /// <summary>Bytes of all parameters, this module's and its children's.</summary>
    public long ByteCount => NamedParameters().Sum(entry => entry.Parameter.Value.ByteCount);

    /// <summary>Whether layers that behave otherwise while a model learns, such as dropout, do so now.</summary>
    public bool IsTraining { get; private set; }

    /// <summary>
    /// Whether this module and all below are ElmMlx's: no other code sees the arrays that they make on the way.
    /// </summary>
    internal bool IsOwnThroughout
    {
        get
        {
            if (!_isOwn)
                return false;
            foreach (ModuleSlot child in _children)
                if (!child.Module.IsOwnThroughout)
                    return false;
            return true;
        }
    }

    /// <summary>Turns training mode on or off, in this module and those below. It is off at first.</summary>
    public void Train(bool isTraining = true)
    {
        IsTraining = isTraining;
        TrainingChanged();
        foreach (ModuleSlot child in _children)
            child.Module.Train(isTraining);
    }

    /// <summary>
    /// Adds a child under a name; the returned place can later hold another module of the same kind.
    /// </summary>
    /// <param name="name">The part of the checkpoint key; it may contain dots (<c>layers.3</c>).</param>
    /// <param name="module">The child.</param>
    protected Child<T> AddChild<T>(string name, T module)
        where T : Module
    {
        var child = new Child<T>(name, module);
        _children.Add(child);
        return child;
    }

    /// <summary>
    /// Adds an array under a name. The module owns it from here on, whatever scope it was made in.
    /// </summary>
    /// <param name="name">The last part of the checkpoint key, for example <c>weight</c>.</param>
    /// <param name="value">The array.</param>
    protected Parameter AddParameter(string name, MlxArray value)
    {
        var parameter = new Parameter(name, value);
        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Takes a parameter out of the tree and frees its array.</summary>
    private protected void RemoveParameter(Parameter parameter)
    {
        _parameters.Remove(parameter);
        parameter.Dispose();
    }

    /// <summary>Called when training mode was set, before the modules below are told.</summary>
    private protected virtual void TrainingChanged()
    {
    }

    /// <summary>
    /// Adds an array that the module itself moves: it is saved and loaded, and no optimizer sees it.
    /// </summary>
    /// <param name="name">The last part of the checkpoint key, for example <c>running_mean</c>.</param>
    /// <param name="value">The array.</param>
    protected Parameter AddBuffer(string name, MlxArray value)
    {
        var buffer = new Parameter(name, value, isBuffer: true);
        _parameters.Add(buffer);
        return buffer;
    }

    /// <summary>Every module below this one with its path, parents before children.</summary>
    public IEnumerable<(string Path, Module Module)> NamedModules() =>
        Slots("").Select(slot => (slot.Path, slot.Slot.Module));

    /// <summary>Every parameter of this module and the ones below, with its path.</summary>
    public IEnumerable<(string Path, Parameter Parameter)> NamedParameters()
    {
        foreach (Parameter parameter in _parameters)
            yield return (parameter.Name, parameter);
        foreach ((string path, ModuleSlot slot) in Slots(""))
            foreach (Parameter parameter in slot.Module._parameters)
                yield return (path + "." + parameter.Name, parameter);
    }

    /// <summary>The parameters that training changes, in the order of <see cref="NamedParameters"/>.</summary>
    public IEnumerable<(string Path, Parameter Parameter)> TrainableParameters() =>
        NamedParameters().Where(entry => entry.Parameter.IsTrainable && entry.Parameter.Value.DType.IsFloating());

    /// <summary>Training changes no parameter of this module, nor of those below.</summary>
    /// <param name="recurse">False: of this module only.</param>
    /// <param name="keys">The last parts of the parameters' names, for example <c>bias</c>; null for all.</param>
    public void Freeze(bool recurse = true, IReadOnlyCollection<string>? keys = null) =>
        SetTrainable(false, recurse, keys);

    /// <summary>
    /// Training changes every floating-point parameter of this module and of those below, but buffers.
    /// </summary>
    /// <inheritdoc cref="Freeze"/>
    public void Unfreeze(bool recurse = true, IReadOnlyCollection<string>? keys = null) =>
        SetTrainable(true, recurse, keys);

    /// <summary>
    /// Puts another module at a path. The old one is not disposed: the new one may hold it.
    /// </summary>
    /// <param name="path">For example <c>layers.3.attn.qkv_proj</c>.</param>
    /// <param name="module">
    /// A module of the kind that the place holds: a <see cref="LinearLayer"/> for a linear layer.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There is no such place, or the module is of another kind.
    /// </exception>
    public void Replace(string path, Module module)
    {
        foreach ((string name, ModuleSlot slot) in Slots(""))
        {
            if (name != path)
                continue;
            slot.Set(module);
            return;
        }
        throw new ArgumentException($"The model has no module named {path}.", nameof(path));
    }

    /// <summary>Gives parameters new arrays of the same shape; the module owns them from here on.</summary>
    /// <param name="weights">
    /// By path, as <see cref="NamedParameters"/> spells it. Not every parameter need be there.
    /// </param>
    /// <exception cref="ArgumentException">
    /// A name is not a parameter of this tree, or a shape differs.
    /// </exception>
    public void Load(IReadOnlyDictionary<string, MlxArray> weights)
    {
        var parameters = NamedParameters().ToDictionary(entry => entry.Path, entry => entry.Parameter);
        foreach ((string name, MlxArray value) in weights)
        {
            if (!parameters.TryGetValue(name, out Parameter? parameter))
                throw new ArgumentException($"The model has no parameter named {name}.", nameof(weights));
            if (!parameter.Value.Shape.AsSpan().SequenceEqual(value.Shape))
                throw new ArgumentException(
                    $"{name} is {Shapes.Text(value.Shape)}, and the model needs " +
                    $"{Shapes.Text(parameter.Value.Shape)}.", nameof(weights));
            parameter.Replace(value);
        }
    }

    /// <summary>
    /// Converts every floating-point parameter and evaluates it; packed integers stay as they are.
    /// </summary>
    /// <param name="type">A floating-point type.</param>
    public void Cast(DType type)
    {
        foreach ((_, Parameter parameter) in NamedParameters())
        {
            if (!parameter.Value.DType.IsFloating() || parameter.Value.DType == type)
                continue;
            MlxArray value = parameter.Value.AsType(type);
            value.Eval();
            parameter.Replace(value);
        }
    }

    /// <summary>Evaluates every parameter.</summary>
    public void Eval() => MlxArray.Eval(NamedParameters().Select(entry => entry.Parameter.Value));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ModuleSlot child in _children)
            child.Module.Dispose();
        foreach (Parameter parameter in _parameters)
            parameter.Dispose();
        GC.SuppressFinalize(this);
    }

    private void SetTrainable(bool isTrainable, bool recurse, IReadOnlyCollection<string>? keys)
    {
        foreach (Parameter parameter in recurse ? NamedParameters().Select(entry => entry.Parameter) : _parameters)
            if (keys is null || keys.Contains(parameter.Name))
                parameter.IsTrainable = isTrainable;
    }

    private IEnumerable<(string Path, ModuleSlot Slot)> Slots(string prefix)
    {
        foreach (ModuleSlot child in _children)
        {
            string path = prefix + child.Name;
            yield return (path, child);
            foreach ((string, ModuleSlot) below in child.Module.Slots(path + "."))
                yield return below;
        }
    }
}
