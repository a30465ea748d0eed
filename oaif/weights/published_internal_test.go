package weights

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// published are config.json of public models, in their own spelling and without the keys that the
// tiny models have as well.
var published = map[string]struct {
	text string
	want Config
}{
	"SmolLM2-135M-Instruct": {`{"architectures": ["LlamaForCausalLM"], "model_type": "llama",
		"bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 576,
		"intermediate_size": 1536, "is_llama_config": true, "max_position_embeddings": 8192,
		"num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
		"pad_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": false,
		"rope_scaling": null, "rope_theta": 100000, "tie_word_embeddings": true,
		"torch_dtype": "bfloat16", "transformers.js_config": {"kv_cache_dtype": {}},
		"transformers_version": "4.42.3", "use_cache": true, "vocab_size": 49152}`,
		Config{Arch: "llama", Layers: 30, Hidden: 576, Heads: 9, KVHeads: 3, HeadDim: 64,
			FFN: 1536, Vocab: 49152, Context: 8192, NormEps: 1e-5, RopeTheta: 100000,
			TieEmbeddings: true, BOS: 1, EOS: []int32{2}}},
	"Mistral-7B-v0.1": {`{"architectures": ["MistralForCausalLM"], "model_type": "mistral",
		"bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096,
		"intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32,
		"num_hidden_layers": 2, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
		"rope_theta": 10000.0, "sliding_window": 4096, "tie_word_embeddings": false,
		"vocab_size": 32000}`,
		Config{Arch: "mistral", Layers: 2, Hidden: 4096, Heads: 32, KVHeads: 8, HeadDim: 128,
			FFN: 14336, Vocab: 32000, Context: 32768, NormEps: 1e-5, RopeTheta: 10000, BOS: 1,
			EOS: []int32{2}, Variant: Variant{Windows: []int{4096, 4096}}}},
	"Mistral-7B-v0.3": {`{"model_type": "mistral", "hidden_size": 4096, "rope_theta": 1e6,
		"intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32,
		"num_hidden_layers": 2, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
		"sliding_window": null, "vocab_size": 32768}`,
		Config{Arch: "mistral", Layers: 2, Hidden: 4096, Heads: 32, KVHeads: 8, HeadDim: 128,
			FFN: 14336, Vocab: 32768, Context: 32768, NormEps: 1e-5, RopeTheta: 1e6, BOS: -1}},
	"DeepSeek-R1-Distill-Qwen-1.5B": {`{"model_type": "qwen2", "hidden_size": 1536,
		"intermediate_size": 8960, "max_position_embeddings": 131072, "max_window_layers": 21,
		"num_attention_heads": 12, "num_hidden_layers": 28, "num_key_value_heads": 2,
		"rms_norm_eps": 1e-06, "rope_theta": 10000, "sliding_window": 4096, "use_mrope": false,
		"use_sliding_window": false, "vocab_size": 151936}`,
		Config{Arch: "qwen2", Layers: 28, Hidden: 1536, Heads: 12, KVHeads: 2, HeadDim: 128,
			FFN: 8960, Vocab: 151936, Context: 131072, NormEps: 1e-6, RopeTheta: 10000, BOS: -1,
			Variant: Variant{QKVBias: true}}},
	"gemma-3-1b-it": {`{"architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text",
		"attention_bias": false, "attn_logit_softcapping": null, "bos_token_id": 2,
		"cache_implementation": "hybrid", "eos_token_id": [1, 106], "head_dim": 256,
		"final_logit_softcapping": null, "hidden_activation": "gelu_pytorch_tanh",
		"hidden_size": 1152, "intermediate_size": 6912, "max_position_embeddings": 32768,
		"num_attention_heads": 4, "num_hidden_layers": 7, "num_key_value_heads": 1,
		"query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000,
		"rope_scaling": null, "rope_theta": 1000000, "sliding_window": 512,
		"sliding_window_pattern": 6, "vocab_size": 262144}`,
		Config{Arch: "gemma3", Layers: 7, Hidden: 1152, Heads: 4, KVHeads: 1, HeadDim: 256,
			FFN: 6912, Vocab: 262144, Context: 32768, NormEps: 1e-6, RopeTheta: 1e6,
			TieEmbeddings: true, BOS: 2, EOS: []int32{1, 106}, Variant: Variant{NormOffset: 1,
				QKNorm: true, PostNorms: true, Activation: GELUTanh, EmbedScale: 33.941125496954285,
				QueryScale: 0.0625, LocalRopeTheta: 10000,
				Windows: []int{512, 512, 512, 512, 512, 0, 512}}}},
	"pythia-70m": {`{"architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox",
		"bos_token_id": 0, "eos_token_id": 0, "hidden_act": "gelu", "hidden_size": 512,
		"initializer_range": 0.02, "intermediate_size": 2048, "layer_norm_eps": 1e-05,
		"max_position_embeddings": 2048, "num_attention_heads": 8, "num_hidden_layers": 6,
		"rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": false,
		"torch_dtype": "float16", "transformers_version": "4.24.0", "use_cache": true,
		"use_parallel_residual": true, "vocab_size": 50304}`,
		Config{Arch: "gpt_neox", Layers: 6, Hidden: 512, Heads: 8, KVHeads: 8, HeadDim: 64,
			FFN: 2048, Vocab: 50304, Context: 2048, NormEps: 1e-5, RopeTheta: 10000,
			EOS: []int32{0}, Variant: Variant{LayerNorm: true, Parallel: true, Activation: GELU,
				Ungated: true, QKVBias: true, OutBias: true, MLPBias: true, RotaryDim: 16}}},
}

func TestPublishedConfigs(t *testing.T) {
	for name, c := range published {
		dir := t.TempDir()
		path := filepath.Join(dir, configFile)
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, got, err := readHFConfig(dir, false)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(c.want, got, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		changed := strings.Replace(c.text, "{", `{"pruned_heads": {}, "attention_dropout": 0.1, `+
			`"_attn_implementation": "eager", "unheard_of": null, `, 1)
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, again, err := readHFConfig(dir, false); err != nil || !cmp.Equal(got, again) {
			t.Errorf("%s: harmless keys change it: %v", name, err)
		}
	}
}
