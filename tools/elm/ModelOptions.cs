using System.CommandLine;
using ElmMlx.Lora;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>The options that every command with a model has, and the model they name.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string> _adapterPath = new("--adapter-path")
    {
        Description = "Folder with adapters to apply to the model: mlx-lm's or PEFT's.",
        HelpName = "DIR",
    };

    private readonly Option<string> _dtype = Choice.DType("Converts the model's floating-point weights after loading.");

    public ModelOptions(Command command)
    {
        command.Add(Model);
        command.Add(_adapterPath);
        command.Add(_dtype);
    }

    public Option<string> Model { get; } = new("--model")
    {
        Description = "Folder of the model, as mlx-convert or mlx-lm writes it.",
        HelpName = "DIR",
        Required = true,
    };

    /// <summary>Loads what the options name.</summary>
    public OpenElmModel Load(ParseResult arguments)
    {
        var model = OpenElmModel.Load(
            arguments.GetRequiredValue(Model), Choice.DTypeOf(arguments.GetValue(_dtype)));
        if (arguments.GetValue(_adapterPath) is { } adapters)
            LoraAdapters.ApplyTo(model, adapters);
        return model;
    }
}
