namespace ElmMlx.Nn;

/// <summary>The place of a child in its parent: a name, and the module that is there now.</summary>
/// <typeparam name="T">The kind of module that may stand here.</typeparam>
public sealed class Child<T> : ModuleSlot
    where T : Module
{
    private T _module;

    internal Child(string name, T module)
        : base(name) => _module = module;

    /// <summary>The module that is there now.</summary>
    public new T Module => _module;

    private protected override Module Untyped => _module;

    internal override void Set(Module module) => _module = module as T ?? throw new ArgumentException(
        $"{Name} holds a {typeof(T).Name}; a {module.GetType().Name} cannot take its place.", nameof(module));
}

/// <summary>A <see cref="Child{T}"/> whatever its kind.</summary>
public abstract class ModuleSlot
{
    private protected ModuleSlot(string name) => Name = name;

    /// <summary>The child's part of the checkpoint key.</summary>
    public string Name { get; }

    /// <summary>The module that is there now.</summary>
    public Module Module => Untyped;

    private protected abstract Module Untyped { get; }

    internal abstract void Set(Module module);
}
