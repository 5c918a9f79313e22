using ElmMlx.Weights;

namespace ElmMlx.Nn;

// Parameters in files.
public abstract partial class Module
{
    private const string NpzExtension = ".npz";

    /// <summary>
    /// Writes all parameters, under their paths, to a safetensors file, or to NumPy's where the name ends in
    /// <c>.npz</c>.
    /// </summary>
    /// <param name="path">The file; one of that name is replaced when the new one is complete.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        (string Path, MlxArray Value)[] all =
            [.. NamedParameters().Select(entry => (entry.Path, entry.Parameter.Value))];
        MlxArray.Eval(all.Select(entry => entry.Value));
        if (path.EndsWith(NpzExtension, StringComparison.OrdinalIgnoreCase))
        {
            using var file = new AtomicFile(path);
            using var stream = new FileStream(file.Handle, FileAccess.ReadWrite, bufferSize: 0);
            MlxFile.SaveNpz(stream, all.ToDictionary(entry => entry.Path, entry => entry.Value));
            file.Commit();
            return;
        }

        using var writer = new SafetensorsWriter(
            path, all.Select(entry => new TensorSpec(entry.Path, TensorArrays.TypeOf(entry.Value), entry.Value.Shape)));
        foreach ((string name, MlxArray value) in all)
            value.ReadBytes((bytes, _) => writer.Write(name, bytes));
        writer.Commit();
    }

    /// <summary>Reads parameters from a safetensors or <c>.npz</c> file; they take the file's dtypes.</summary>
    /// <param name="path">The file; its name ends in <c>.npz</c> where it is NumPy's.</param>
    /// <param name="strict">As in <see cref="LoadWeights(IReadOnlyDictionary{string, MlxArray}, bool)"/>.</param>
    /// <exception cref="InvalidDataException">The file is no such file.</exception>
    /// <exception cref="ArgumentException">
    /// The tensors are not those of the module; nothing has changed then.
    /// </exception>
    public void LoadWeights(string path, bool strict = true)
    {
        using var scope = new ArrayScope();
        if (path.EndsWith(NpzExtension, StringComparison.OrdinalIgnoreCase))
        {
            LoadWeights(MlxFile.LoadNpz(path), strict);
            return;
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        LoadWeights(TensorArrays.ReadAll(file), strict);
    }

    /// <summary>Gives parameters new arrays, which the module owns from here on.</summary>
    /// <param name="weights">By path.</param>
    /// <param name="strict">
    /// Whether there must be an array for every parameter, and no other. If not, parameters without one stay as they
    /// are and arrays without a parameter are left out; shapes must fit in any case.
    /// </param>
    /// <exception cref="ArgumentException">
    /// Arrays are missing or left over, or a shape differs; nothing has changed then.
    /// </exception>
    public void LoadWeights(IReadOnlyDictionary<string, MlxArray> weights, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(weights);
        Dictionary<string, Parameter> parameters =
            NamedParameters().ToDictionary(entry => entry.Path, entry => entry.Parameter, StringComparer.Ordinal);
        if (strict)
        {
            Refuse("the weights have nothing for", parameters.Keys.Except(weights.Keys));
            Refuse("the model has no parameters for", weights.Keys.Except(parameters.Keys));
        }
        var known = weights.Where(entry => parameters.ContainsKey(entry.Key)).ToList();
        foreach ((string name, MlxArray value) in known)
            SameShape(name, parameters[name], value);
        foreach ((string name, MlxArray value) in known)
            parameters[name].Replace(value);
    }

    private static void Refuse(string what, IEnumerable<string> names)
    {
        string[] all = [.. names.Order(StringComparer.Ordinal)];
        if (all.Length > 0)
            throw new ArgumentException(
                $"{what} {string.Join(", ", all.Take(5))}{(all.Length > 5 ? $" and {all.Length - 5} more" : "")}");
    }
}
