using ElmMlx.OpenElm;
using ElmMlx.Optimizers;

namespace ElmMlx.Pretraining;

// Loss, optimizer, schedule.
internal sealed partial class PretrainingReader
{
    private PretrainingRecipe ReadRecipe(OpenElmConfig model, string tokenizerPath)
    {
        long iterations = _settings.Whole("scheduler.max_iterations", null, 1, long.MaxValue - 1);
        if (_inputs.From is { } given)
            _files["from"] = given;
        return new PretrainingRecipe
        {
            Model = model,
            Data = ReadData(),
            TokenizerPath = tokenizerPath,
            IgnoreIndex = (int)_settings.Whole($"{Entropy}.ignore_index", -1),
            ZLoss = _settings.Flag($"{Entropy}.use_z_loss") ? _settings.Number($"{Entropy}.z_loss_eps", 1e-4) : 0,
            LabelSmoothing = _settings.Number($"{Entropy}.label_smoothing", 0),
            LearningRate = ReadSchedule(iterations),
            Updates = iterations + 1,
            WeightDecay = _settings.Number("optim.weight_decay", 4e-5),
            SparesVectors = _settings.Flag("optim.no_decay_bn_filter_bias"),
            Betas = (_settings.Number("optim.adamw.beta1", 0.9), _settings.Number("optim.adamw.beta2", 0.98)),
            Epsilon = _settings.OptionalNumber("optim.adamw.eps") ?? _settings.Number("optim.eps", 1e-8),
            ClipGradientNorm = ReadClipping(),
            AccumulationSteps = ReadAccumulation(),
            ComputesInBFloat16 = ReadPrecision(),
            CheckpointsLayers = _settings.Flag("model.activation_checkpointing", decides: false),
            AverageMomentum = _settings.Flag("ema.enable") ? _settings.Number("ema.momentum", 1e-4) : null,
            Seed = (ulong)_settings.Whole("common.seed", 0, 0, long.MaxValue),
            From = _inputs.From ?? (_settings.Text("common.finetune") is { } start ? Resolve(start) : null),
        };
    }

    private CoreNetSchedule ReadSchedule(long iterations)
    {
        string name = _settings.OneOf("scheduler.name", "cosine", "cosine", "fixed", "polynomial");
        long warmup = _settings.Whole("scheduler.warmup_iterations", 0);
        double first = _settings.Number("scheduler.warmup_init_lr", 1e-7);
        try
        {
            return name switch
            {
                "fixed" => new CoreNetSchedule(
                    CoreNetScheduleKind.Fixed, iterations, FixedRate(), warmupIterations: warmup, warmupInit: first),
                "polynomial" => new CoreNetSchedule(
                    CoreNetScheduleKind.Polynomial, iterations, _settings.Number("scheduler.polynomial.start_lr", 0.1),
                    _settings.Number("scheduler.polynomial.end_lr", 0), warmup, first,
                    _settings.Number("scheduler.polynomial.power", 0.9)),
                _ => new CoreNetSchedule(
                    CoreNetScheduleKind.Cosine, iterations, _settings.Number("scheduler.cosine.max_lr", 0.1),
                    _settings.Number("scheduler.cosine.min_lr", 1e-5), warmup, first),
            };
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{_path}: {e.Message}.", e);
        }

        double FixedRate() => _settings.OptionalNumber("scheduler.fixed.lr")
            ?? throw new InvalidDataException($"{_path}: scheduler.fixed.lr is missing; it is the learning rate.");
    }

    private double? ReadClipping()
    {
        double? norm = _settings.OptionalNumber("common.grad_clip");
        return norm != 0 ? norm
            : throw _settings.Wrong("common.grad_clip", "is 0; it must be above 0, or left out to clip nothing");
    }

    private int ReadAccumulation()
    {
        int batches = (int)_settings.Whole("common.accum_freq", 1, 1);
        long after = _settings.Whole("common.accum_after_epoch", 0, 0);
        if (after == 0 || batches == 1)
            return batches;
        _notes.Add(
            $"common.accum_after_epoch is {after}, and data without an end never leave epoch 0: as in CoreNet, no " +
            "batches are accumulated.");
        return 1;
    }

    private bool ReadPrecision()
    {
        if (_settings.OneOf("train_eval_pipeline.name", "default", "default", "fsdp_train_eval_pipeline") != "default")
            return _settings.OneOf("fsdp.parameter_datatype", "bfloat16", "bfloat16", "float32") == "bfloat16";
        return _settings.Flag("common.mixed_precision")
            && _settings.OneOf("common.mixed_precision_dtype", "float16", "bfloat16") == "bfloat16";
    }
}
