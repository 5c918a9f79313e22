namespace ElmMlx.Nn;

// Walking through the tree, and changing it on the way.
public abstract partial class Module
{
    /// <summary>The modules right below this one, with their names.</summary>
    public IEnumerable<(string Name, Module Module)> Children() =>
        _children.Select(child => (child.Name, child.Module));

    /// <summary>The modules below this one that have none below themselves, with their paths.</summary>
    public IEnumerable<(string Path, Module Module)> LeafModules() =>
        NamedModules().Where(entry => entry.Module._children.Count == 0);

    /// <summary>Calls a function with this module, whose path is empty, and with every one below.</summary>
    public void ApplyToModules(Action<string, Module> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        foreach ((string path, Module module) in NamedModules().Prepend(("", this)).ToList())
            function(path, module);
    }

    /// <summary>Gives parameters new arrays that a function makes of the former ones; nothing is evaluated.</summary>
    /// <param name="map">From an array to one of the same shape.</param>
    /// <param name="filter">Which parameters, by path; all when null.</param>
    /// <exception cref="ArgumentException">The function answered another shape.</exception>
    public void Apply(Func<MlxArray, MlxArray> map, Func<string, Parameter, bool>? filter = null)
    {
        ArgumentNullException.ThrowIfNull(map);
        foreach ((string path, Parameter parameter) in NamedParameters())
            if (filter is null || filter(path, parameter))
                parameter.Replace(SameShape(path, parameter, map(parameter.Value)));
    }

    /// <summary>
    /// Quantises the matrices of layers that have a quantised form, as mlx.nn.quantize, and freezes them; biases stay
    /// as they are.
    /// </summary>
    /// <param name="groupSize">Elements of a row that share one scale; null for the mode's own.</param>
    /// <param name="bits">Bits an element; null for the mode's own.</param>
    /// <param name="mode">MLX's mode, for example <c>affine</c>.</param>
    /// <param name="predicate">
    /// Which leaves of the tree, by path; all that have such a form when null.
    /// </param>
    /// <param name="quantizeInput">
    /// Whether the layers' inputs are quantised too: linear layers without a bias become <see cref="QqLinear"/>, in
    /// mode <c>nvfp4</c> or <c>mxfp8</c>.
    /// </param>
    /// <exception cref="ArgumentException">The predicate chose a layer that has no such form.</exception>
    /// <exception cref="MlxException">A row does not divide into groups.</exception>
    public void Quantize(
        int? groupSize = null,
        int? bits = null,
        string mode = "affine",
        Func<string, Module, bool>? predicate = null,
        bool quantizeInput = false)
    {
        predicate ??= (_, module) => quantizeInput ? module is Linear : module is IQuantizable;
        var chosen = LeafModules().Where(leaf => predicate(leaf.Path, leaf.Module)).ToList();
        foreach ((string path, Module module) in chosen)
        {
            using var scope = new ArrayScope();
            Module packed = module switch
            {
                Linear linear when quantizeInput => QqLinear.From(linear, groupSize, bits, mode),
                IQuantizable quantizable when !quantizeInput => quantizable.ToQuantized(groupSize, bits, mode),
                _ => throw new ArgumentException(
                    $"{path} is a {module.GetType().Name}, which has no quantised form", nameof(predicate)),
            };
            if (!quantizeInput)
                packed.Freeze(keys: ["weight", "scales", "biases"]);
            packed.Train(module.IsTraining);
            Replace(path, packed);
            module.Dispose();
        }
    }

    private static MlxArray SameShape(string path, Parameter parameter, MlxArray value) =>
        parameter.Value.Shape.AsSpan().SequenceEqual(value.Shape)
            ? value
            : throw new ArgumentException(
                $"{path} is {Shapes.Text(parameter.Value.Shape)}, and its new array {Shapes.Text(value.Shape)}");
}
