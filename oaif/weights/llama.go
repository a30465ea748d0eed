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
	var specs []tensorSpec
	for i := range c.Layers {
		for _, s := range []tensorSpec{
			{hf: "input_layernorm", gguf: "attn_norm", shape: []int{c.Hidden}},
			{hf: "self_attn.q_proj", gguf: "attn_q", shape: []int{q, c.Hidden},
				rotaryHeads: c.Heads},
			{hf: "self_attn.k_proj", gguf: "attn_k", shape: []int{kv, c.Hidden},
				rotaryHeads: c.KVHeads},
			{hf: "self_attn.v_proj", gguf: "attn_v", shape: []int{kv, c.Hidden}},
			{hf: "self_attn.o_proj", gguf: "attn_output", shape: []int{c.Hidden, q}},
			{hf: "post_attention_layernorm", gguf: "ffn_norm", shape: []int{c.Hidden}},
			{hf: "mlp.gate_proj", gguf: "ffn_gate", shape: []int{c.FFN, c.Hidden}},
			{hf: "mlp.up_proj", gguf: "ffn_up", shape: []int{c.FFN, c.Hidden}},
			{hf: "mlp.down_proj", gguf: "ffn_down", shape: []int{c.Hidden, c.FFN}},
		} {
			s.hf = fmt.Sprintf("model.layers.%d.%s.weight", i, s.hf)
			s.gguf = fmt.Sprintf("blk.%d.%s.weight", i, s.gguf)
			s.buffer = i
			specs = append(specs, s)
		}
	}
	return append(specs, outerTensors(c)...)
}

// outerTensors lists the tensors outside of the layers, by the names that most families have.
func outerTensors(c Config) []tensorSpec {
	specs := []tensorSpec{
		{hf: "model.embed_tokens.weight", gguf: "token_embd.weight",
			shape: []int{c.Vocab, c.Hidden}, buffer: c.Layers},
		{hf: "model.norm.weight", gguf: "output_norm.weight", shape: []int{c.Hidden},
			buffer: c.Layers + 1},
	}
	if !c.TieEmbeddings {
		specs = append(specs, tensorSpec{hf: "lm_head.weight", gguf: "output.weight",
			shape: []int{c.Vocab, c.Hidden}, buffer: c.Layers + 2})
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
		NormEps:   k.float("llama.attention.layer_norm_rms_epsilon"),
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
		NormEps:       k.floatOr("rms_norm_eps", 1e-6),
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
