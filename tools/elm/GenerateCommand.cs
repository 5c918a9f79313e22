using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using ElmMlx.Generation;
using ElmMlx.OpenElm;
using ElmMlx.Text;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm generate</c>: prompt to text, as it comes.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        ExampleCommand command = new(
            "generate",
            "Goes on with a prompt, and prints the text as it comes; statistics go to standard error.",
            "elm generate --model openelm-270m --prompt \"Once upon a time\" --max-tokens 200 --temp 0.7 --top-p 0.9",
            "echo \"A question\" | elm generate --model openelm-270m --prompt - --json",
            "elm generate --model openelm-270m --prompt \"Chapter 1\" --save-prompt-cache story.safetensors",
            "elm generate --model openelm-270m --prompt \"Chapter 2\" --prompt-cache-file story.safetensors");
        ModelOptions models = new(command);
        Option<string> prompt = new("--prompt", "-p")
        {
            Description = "The text to go on with; - reads it from standard input; " +
                "\\n and \\t stand for line break and tab.",
            HelpName = "TEXT",
            DefaultValueFactory = _ => "hello",
        };
        Option<string> cacheFile = new("--prompt-cache-file")
        {
            Description = "Goes on from this saved prompt cache (mlx-lm's format).",
            HelpName = "FILE",
        };
        Option<string> saveCache = new("--save-prompt-cache")
        {
            Description = "Saves the cache after the run, for --prompt-cache-file.",
            HelpName = "FILE",
        };
        Option<string> tokenizerMode = TokenizeCommand.ModeOption();
        Option<bool> json = new("--json") { Description = "Prints one JSON object a token, and a summary." };
        Option<bool> quiet = new("--quiet") { Description = "Prints no statistics." };
        foreach (Option option in new Option[] { prompt, cacheFile, saveCache, tokenizerMode, json, quiet })
            command.Add(option);
        SamplingFlags sampling = new(command);

        command.SetAction(arguments =>
        {
            string folder = arguments.GetRequiredValue(models.Model);
            CheckPaths(arguments.GetValue(cacheFile), arguments.GetValue(saveCache));
            using OpenElmModel model = models.Load(arguments);
            var tokenizer = Tokenizer.Load(folder, TokenizeCommand.ModeOf(arguments.GetValue(tokenizerMode)));
            Generator generator = new(model, tokenizer);
            GenerationOptions options = sampling.Read(arguments, tokenizer, generator.EosIds);
            using PromptCache cache = arguments.GetValue(cacheFile) is { } file
                ? PromptCacheFile.Load(file, model.Config).Cache
                : PromptCache.For(model.Config, options.MaxKvSize);

            string text = ReadPrompt(arguments.GetValue(prompt)!);
            int[] ids = cache.Offset > 0
                ? tokenizer.Encode(text, addSpecialTokens: false)
                : generator.Encode(text);
            if (ids.Length == 0)
                throw new ArgumentException(
                    "--prompt is empty, and this tokenizer puts nothing before it: give at least one character.");
            WarnOfLength(cache.Offset + ids.Length, options.MaxTokens, model.Config);

            using CancellationTokenSource stop = new();
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
            {
                signal.Cancel = !stop.IsCancellationRequested;      // a second Ctrl-C ends the process at once
                stop.Cancel();
            });
            IStepWriter writer = arguments.GetValue(json)
                ? new JsonSteps(Console.Out)
                : new TextSteps(Console.Out);
            bool wasInterrupted = false;
            FinishReason? reason = null;
            try
            {
                foreach (GenerationStep step in generator.Generate(ids, options, cache, cancellation: stop.Token))
                {
                    writer.Write(step);
                    reason = step.FinishReason;
                }
            }
            catch (OperationCanceledException)
            {
                wasInterrupted = true;      // what has come stays; the statistics say how much it was
            }

            writer.End(
                generator.Statistics,
                wasInterrupted ? "interrupted" : reason?.ToString().ToLowerInvariant() ?? "length");
            if (arguments.GetValue(saveCache) is { } target)
                PromptCacheFile.Save(target, cache, new Dictionary<string, string> { ["model"] = folder });
            if (!arguments.GetValue(quiet))
                PrintStatistics(generator.Statistics);
            return wasInterrupted ? 130 : 0;
        });
        return command;
    }

    private static void CheckPaths(string? cacheFile, string? saveCache)
    {
        if (cacheFile is not null && !File.Exists(cacheFile))
            throw new FileNotFoundException(
                $"--prompt-cache-file {cacheFile}: there is no such file; --save-prompt-cache makes one.");
        if (saveCache is not null)
            OutputPath.Check("--save-prompt-cache", saveCache);
    }

    private static string ReadPrompt(string prompt) =>
        prompt == "-" ? Console.In.ReadToEnd() : prompt.Replace("\\n", "\n").Replace("\\t", "\t");

    private static void WarnOfLength(int promptTokens, int maxTokens, OpenElmConfig config)
    {
        int context = config.MaxContextLength;
        string? what = promptTokens > context ? $"the prompt has {promptTokens} tokens"
            : promptTokens + (long)maxTokens > context
                ? $"the prompt and --max-tokens make {promptTokens + (long)maxTokens} tokens"
            : null;
        if (what is not null)
            Console.Error.WriteLine(
                $"elm generate: {what}, and the model was trained with {context}: text beyond that gets worse.");
    }

    private static void PrintStatistics(GenerationStatistics taken)
    {
        Console.Error.WriteLine(
            $"Prompt: {taken.PromptTokens} tokens, {taken.PromptTokensPerSecond:F3} tokens-per-sec");
        Console.Error.WriteLine(
            $"Generation: {taken.GeneratedTokens} tokens, {taken.GeneratedTokensPerSecond:F3} tokens-per-sec");
        Console.Error.WriteLine($"Peak memory: {taken.PeakMemoryBytes / 1e9:F3} GB");
    }

    /// <summary>How steps are shown.</summary>
    private interface IStepWriter
    {
        void Write(GenerationStep step);

        void End(GenerationStatistics taken, string reason);
    }

    private sealed class TextSteps(TextWriter output) : IStepWriter
    {
        public void Write(GenerationStep step)
        {
            output.Write(step.Text);
            output.Flush();
        }

        public void End(GenerationStatistics taken, string reason) => output.WriteLine();
    }

    private sealed class JsonSteps(TextWriter output) : IStepWriter
    {
        private readonly StringBuilder _text = new();

        public void Write(GenerationStep step)
        {
            _text.Append(step.Text);
            float logProbability = step.LogProbability();
            WriteLine(json =>
            {
                json.WriteNumber("token", step.Token);
                json.WriteString("text", step.Text);
                json.WriteNumber("logprob", logProbability);
                if (step.FinishReason is { } reason)
                    json.WriteString("finish_reason", reason.ToString().ToLowerInvariant());
            });
        }

        public void End(GenerationStatistics taken, string reason) => WriteLine(json =>
        {
            json.WriteString("text", _text.ToString());
            json.WriteString("finish_reason", reason);
            json.WriteNumber("prompt_tokens", taken.PromptTokens);
            json.WriteNumber("prompt_tokens_per_second", taken.PromptTokensPerSecond);
            json.WriteNumber("generation_tokens", taken.GeneratedTokens);
            json.WriteNumber("generation_tokens_per_second", taken.GeneratedTokensPerSecond);
            json.WriteNumber("peak_memory_bytes", taken.PeakMemoryBytes);
        });

        private void WriteLine(Action<Utf8JsonWriter> write)
        {
            output.WriteLine(JsonText.Object(write));
            output.Flush();
        }
    }
}
