package weights

// mistral is the family of Mistral 7B and its like: Llama whose layers may all have a window. In
// GGUF files it goes by the name of llama.
var mistral = family{
	arch:        "mistral",
	hfType:      "mistral",
	hfClass:     "MistralForCausalLM",
	rewardClass: "MistralForSequenceClassification",
	fromHF:      mistralFromHF,
	toHF:        mistralToHF,
	tensors:     decoderTensors,
	ignored:     decoderIgnored,
}

func mistralFromHF(k *hfKeys) Config {
	c := k.decoder(hfDefaults{context: 1 << 17, kvHeads: 8})
	c.Activation = k.activation("hidden_act", SiLU)
	// Without the key there is a window, with null under it there is none.
	if !k.there("sliding_window") || k.has("sliding_window") {
		c.Windows = k.windows(c.Layers, func(int) bool { return true })
	}
	k.rope(&c, 10000)
	return c
}

func mistralToHF(c Config, out map[string]any) {
	decoderToHF(c, out)
	out["hidden_act"] = c.Activation.hfName()
	out["sliding_window"] = windowToHF(c)
}
