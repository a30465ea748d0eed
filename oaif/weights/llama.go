package weights

import (
	"fmt"
	"math"
	"strings"
)

// llama is the family of Llama 1 to 3, SmolLM and their like: RMSNorm, rotary attention with
// grouped KV heads, SwiGLU, no biases.
var llama = family{
	arch:     "llama",
	hfType:   "llama",
	hfClass:  "LlamaForCausalLM",
	fromGGUF: llamaFromGGUF,
	fromHF:   llamaFromHF,
	toHF:     llamaToHF,
	tensors:  llamaTensors,
	ignored: func(c Config, name string) bool {
		// Buffers of old files, which are recomputed, and a second copy of the embedding.
		return strings.HasSuffix(name, ".self_attn.rotary_emb.inv_freq") ||
			c.TieEmbeddings && name == "lm_head.weight"
	},
}

func llamaTensors(c Config) []tensorSpec {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	specs := []tensorSpec{
		{"model.embed_tokens.weight", "token_embd.weight", []int{c.Vocab, c.Hidden}, 0},
		{"model.norm.weight", "output_norm.weight", []int{c.Hidden}, 0},
	}
	if !c.TieEmbeddings {
		specs = append(specs,
			tensorSpec{"lm_head.weight", "output.weight", []int{c.Vocab, c.Hidden}, 0})
	}
	for i := range c.Layers {
		for _, s := range []tensorSpec{
			{"input_layernorm", "attn_norm", []int{c.Hidden}, 0},
			{"self_attn.q_proj", "attn_q", []int{q, c.Hidden}, c.Heads},
			{"self_attn.k_proj", "attn_k", []int{kv, c.Hidden}, c.KVHeads},
			{"self_attn.v_proj", "attn_v", []int{kv, c.Hidden}, 0},
			{"self_attn.o_proj", "attn_output", []int{c.Hidden, q}, 0},
			{"post_attention_layernorm", "ffn_norm", []int{c.Hidden}, 0},
			{"mlp.gate_proj", "ffn_gate", []int{c.FFN, c.Hidden}, 0},
			{"mlp.up_proj", "ffn_up", []int{c.FFN, c.Hidden}, 0},
			{"mlp.down_proj", "ffn_down", []int{c.Hidden, c.FFN}, 0},
		} {
			s.hf = fmt.Sprintf("model.layers.%d.%s.weight", i, s.hf)
			s.gguf = fmt.Sprintf("blk.%d.%s.weight", i, s.gguf)
			specs = append(specs, s)
		}
	}
	return specs
}

func llamaFromGGUF(k *ggufKeys) Config {
	c := Config{
		Layers:    k.int("llama.block_count"),
		Hidden:    k.int("llama.embedding_length"),
		Heads:     k.int("llama.attention.head_count"),
		FFN:       k.int("llama.feed_forward_length"),
		Context:   k.int("llama.context_length"),
		RMSEps:    k.float("llama.attention.layer_norm_rms_epsilon"),
		RopeTheta: k.floatOr("llama.rope.freq_base", 10000),
	}
	c.KVHeads = k.intOr("llama.attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = k.intOr("llama.attention.key_length", c.Hidden/c.Heads)
	}
	k.require("llama.attention.value_length", c.HeadDim)
	k.require("llama.rope.dimension_count", c.HeadDim)
	k.require("llama.expert_count", 0)
	if kind := k.stringOr("llama.rope.scaling.type", "none"); kind != "none" {
		k.refuse("llama.rope.scaling.type", kind)
	}
	if scale := k.floatOr("llama.rope.scale_linear", 1); scale != 1 {
		k.refuse("llama.rope.scale_linear", scale)
	}
	return c
}

// llama3Scaling returns the settings that produce factors, nil if they are not the ones of any
// Llama 3 release. GGUF files hold the factors alone, while config.json holds the settings alone.
func llama3Scaling(factors []float32, theta float64) *RopeScaling {
	s := &RopeScaling{Factor: 1, LowFreqFactor: 1, HighFreqFactor: 4, OriginalContext: 8192}
	for _, f := range factors {
		s.Factor = max(s.Factor, float64(f))
	}
	for i, f := range s.factors(theta, 2*len(factors)) {
		if math.Abs(float64(f-factors[i])) > 1e-4*float64(f) {
			return nil
		}
	}
	return s
}

func llamaFromHF(k *hfKeys) Config {
	c := Config{
		Layers:        k.int("num_hidden_layers"),
		Hidden:        k.int("hidden_size"),
		Heads:         k.int("num_attention_heads"),
		FFN:           k.int("intermediate_size"),
		Vocab:         k.int("vocab_size"),
		Context:       k.intOr("max_position_embeddings", 2048),
		RMSEps:        k.floatOr("rms_norm_eps", 1e-6),
		TieEmbeddings: k.boolOr("tie_word_embeddings", false),
	}
	c.KVHeads = k.intOr("num_key_value_heads", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = k.intOr("head_dim", c.Hidden/c.Heads)
	}
	for _, key := range []string{"attention_bias", "mlp_bias"} {
		if k.boolOr(key, false) {
			k.refuse(key, true)
		}
	}
	if act := k.stringOr("hidden_act", "silu"); act != "silu" {
		k.refuse("hidden_act", act)
	}
	k.rope(&c, 10000)
	return c
}

func llamaToHF(c Config) map[string]any {
	return map[string]any{
		"attention_bias": false,
		"hidden_act":     "silu",
		"mlp_bias":       false,
	}
}
