package weights

import "math"

// llama is the family of Llama 1 to 3, SmolLM and their like: RMSNorm, rotary attention with
// grouped KV heads, SwiGLU, biases where config.json asks for them.
var llama = family{
	arch:        "llama",
	hfType:      "llama",
	hfClass:     "LlamaForCausalLM",
	rewardClass: "LlamaForSequenceClassification",
	fromGGUF:    llamaFromGGUF,
	interleaved: true,
	fromHF:      llamaFromHF,
	harmless:    []string{"is_llama_config", "pretraining_tp"},
	toHF:        llamaToHF,
	tensors:     decoderTensors,
	ignored:     decoderIgnored,
}

func llamaFromGGUF(k *ggufKeys) Config {
	c := k.decoder("llama")
	k.require("llama.attention.sliding_window", 0)
	// No key tells of biases.
	c.QKVBias = k.tensor("blk.0.attn_q.bias")
	c.OutBias = c.QKVBias
	c.MLPBias = k.tensor("blk.0.ffn_gate.bias")
	return c
}

// llama3Scaling returns the settings that produce factors, nil if they are not the ones of any
// Llama 3 release. GGUF files hold the factors alone, while config.json holds the settings alone.
func llama3Scaling(factors []float32, theta float64) *RopeScaling {
	s := &RopeScaling{Type: "llama3", Factor: 1, LowFreqFactor: 1, HighFreqFactor: 4,
		OriginalContext: 8192}
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
	c := k.decoder(hfDefaults{context: 2048})
	c.Activation = k.activation("hidden_act", SiLU)
	c.QKVBias = k.boolOr("attention_bias", false)
	c.OutBias = c.QKVBias
	c.MLPBias = k.boolOr("mlp_bias", false)
	k.rope(&c, 10000)
	return c
}

func llamaToHF(c Config, out map[string]any) {
	decoderToHF(c, out)
	out["hidden_act"] = c.Activation.hfName()
	out["attention_bias"] = c.QKVBias
	out["mlp_bias"] = c.MLPBias
}
