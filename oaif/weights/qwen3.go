package weights

// qwen3 is the family of Qwen 3's dense models: Qwen 2 with norms on queries and keys, and without
// biases unless config.json asks for them.
var qwen3 = family{
	arch:        "qwen3",
	hfType:      "qwen3",
	hfClass:     "Qwen3ForCausalLM",
	rewardClass: "Qwen3ForSequenceClassification",
	fromGGUF:    qwen3FromGGUF,
	fromHF:      qwen3FromHF,
	toHF:        qwen3ToHF,
	tensors:     decoderTensors,
	ignored:     decoderIgnored,
}

func qwen3FromGGUF(k *ggufKeys) Config {
	c := k.decoder("qwen3")
	c.QKNorm = true
	return c
}

func qwen3FromHF(k *hfKeys) Config {
	c := k.decoder(hfDefaults{context: 32768, kvHeads: 32, headDim: 128})
	c.QKNorm = true
	c.QKVBias = k.boolOr("attention_bias", false)
	c.OutBias = c.QKVBias
	k.qwen(&c)
	return c
}

func qwen3ToHF(c Config, out map[string]any) {
	qwenToHF(c, out)
	out["attention_bias"] = c.QKVBias
}
