package weights

// qwen2 is the family of Qwen 1.5 to 2.5: Llama with biases on queries, keys and values, whose
// upper layers may have a window.
var qwen2 = family{
	arch:        "qwen2",
	hfType:      "qwen2",
	hfClass:     "Qwen2ForCausalLM",
	rewardClass: "Qwen2ForSequenceClassification",
	fromGGUF:    qwen2FromGGUF,
	fromHF:      qwen2FromHF,
	toHF:        qwenToHF,
	tensors:     decoderTensors,
	ignored:     decoderIgnored,
}

func qwen2FromGGUF(k *ggufKeys) Config {
	c := k.decoder("qwen2")
	c.QKVBias = true
	return c
}

func qwen2FromHF(k *hfKeys) Config {
	c := k.decoder(hfDefaults{context: 32768, kvHeads: 32})
	c.QKVBias = true
	k.qwen(&c)
	return c
}

// qwen reads what Qwen 2 and 3 share.
func (k *hfKeys) qwen(c *Config) {
	c.Activation = k.activation("hidden_act", SiLU)
	first := k.intOr("max_window_layers", 28)
	if use := k.boolOr("use_sliding_window", false); use && k.hasWindow() {
		c.Windows = k.layerWindows(c.Layers, func(layer int) bool { return layer >= first })
	} else if k.layerWindows(c.Layers, func(int) bool { return false }) != nil {
		k.fail("layer_types has %s, but use_sliding_window = %v", slidingLayer, use)
	}
	k.rope(c, 10000)
}

func qwenToHF(c Config, out map[string]any) {
	decoderToHF(c, out)
	out["hidden_act"] = c.Activation.hfName()
	out["use_sliding_window"] = c.window() > 0
	out["sliding_window"] = windowToHF(c)
	out["layer_types"] = layerTypes(c)
	full := 0 // the layers below all windows; layer_types is new in transformers 4.53
	for full < c.Layers && (c.Windows == nil || c.Windows[full] == 0) {
		full++
	}
	out["max_window_layers"] = full
}
