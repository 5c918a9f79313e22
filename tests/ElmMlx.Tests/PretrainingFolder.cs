using ElmMlx.Pretraining;

namespace ElmMlx.Tests;

/// <summary>
/// A folder with a configuration in the form of OpenELM's published ones, of a model that trains in moments.
/// </summary>
internal sealed class PretrainingFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("elm-pretrain-").FullName;

    public PretrainingFolder()
    {
        File.WriteAllText(At("architecture.json"), """
            {
              "model_name": "OpenELM-tiny", "vocab_size": 2112, "max_context_length": 32, "num_transformer_layers": 2,
              "model_dim": 32, "head_dim": 16, "num_gqa_groups": 2, "qkv_multipliers": [0.5, 1.0], "ffn_multipliers": [1.0, 2.0],
              "ffn_with_glu": true, "ffn_dim_divisor": 16, "activation_fn_name": "swish", "normalization_layer_name": "rms_norm",
              "normalize_qk_projections": true, "share_input_output_layers": true, "rope_freq_constant": 10000, "rope_max_length": 4096
            }
            """);
        File.WriteAllText(Yaml, $$"""
            # pytest: disable

            taskname: '+ [OpenELM-tiny]'

            _anchor_context_length: &_anchor_context_length 32
            # a comment
            _anchor_vocab_size: &_anchor_vocab_size 2112 
            _anchor_padding_index: &_anchor_padding_index 2048

            common:
              run_label: "train"
              log_freq: 2
              grad_clip: 1.0
              accum_freq: 2
              save_interval_freq: 3
              eval_every_k_iterations: 4
              mixed_precision: false
              mixed_precision_dtype: "bfloat16"

            dataset:
              root_train: ""
              train_batch_size0: 2
              val_batch_size0: 3
              workers: 2
              persistent_workers: true

              category: "language_modeling"
              name: "general_lm"
              language_modeling:
                sequence_length: *_anchor_context_length
                # filter text
                min_tokens_per_text: 4
                min_characters_per_text: 10
                shuffle_data: true
                general_lm:
                  train_data_info: [
                    {
                      "file_name": "{{Corpus}}/shard_{file_id:02d}.jsonl",
                      "text_key": "text",
                      "file_id_range": [0, 5], 
                    },
                  ]
                  val_data_info: [
                    { "file_name": "{{Corpus}}/zipped_{file_id}.json.gz", "text_key": "content", "file_id_range": [7, 8] },
                  ]

            text_tokenizer:
              name: "sentence_piece"
              sentence_piece:
                enable_nfc_normalization: true
                append_sot_token: true
                append_eot_token: true
                model_path: "{{Fixtures.Path("tokenizer/tokenizer.model").Replace('\\', '/')}}"

            loss:
              category: "language_modeling"
              language_modeling:
                name: "cross_entropy"
                cross_entropy:
                  ignore_index: *_anchor_padding_index
                  use_z_loss: true

            optim:
              name: "adamw"
              weight_decay: 0.1
              no_decay_bn_filter_bias: true
              adamw:
                beta1: 0.9
                beta2: 0.95
                eps: 1.e-8

            scheduler:
              is_iteration_based: true
              max_iterations: 8 
              name: cosine
              warmup_init_lr: 1.e-06
              warmup_iterations: 2
              cosine:
                max_lr: 0.0053
                # papers use min_lr= 0.1 x max_lr
                min_lr: 0.00053

            ema:
              enable: true
              momentum: 0.1

            model:
              activation_checkpointing: false
              language_modeling:
                name: "general_gpt"
                general_gpt:
                  model_name: "OpenELM-tiny"
                  vocab_size: *_anchor_vocab_size
                  max_context_length: *_anchor_context_length
                  padding_index: *_anchor_padding_index

            stats:
              val: [ "loss"]
              train: ["loss"]
              checkpoint_metric: "loss.total_loss"
              checkpoint_metric_max: false
            """);
    }

    public static string Corpus { get; } = Fixtures.Path("pretrain/corpus").Replace('\\', '/');

    /// <summary>The configuration's path.</summary>
    public string Yaml => At("tiny.yaml");

    /// <summary>The path of something that a test writes.</summary>
    public string At(string name) => Path.Combine(_root, name);

    /// <summary>What the configuration says, apart from some settings: <c>key=value</c>.</summary>
    public PretrainingConfiguration Read(params string[] overrides) =>
        PretrainingConfiguration.Read(Yaml, new PretrainingInputs
        {
            Overrides = [.. overrides.Select(setting => setting.Split('=', 2)).Select(pair => (pair[0], pair[1]))],
        });

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
