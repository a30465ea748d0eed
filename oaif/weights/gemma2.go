package weights

import "math"

// gemma2 is the family of Gemma 2: norms around attention and feed-forward whose weights lie around
// 0, a gated GELU, scores and logits with caps, and a window in every other layer.
var gemma2 = family{
	arch:     "gemma2",
	hfType:   "gemma2",
	hfClass:  "Gemma2ForCausalLM",
	fromHF:   gemma2FromHF,
	harmless: []string{"hidden_act", "sliding_window_size"}, // transformers reads others
	toHF:     gemma2ToHF,
	tensors:  decoderTensors,
	ignored:  decoderIgnored,
}

func gemma2FromHF(k *hfKeys) Config {
	c := k.gemma(8192)
	c.Windows = k.layerWindows(c.Layers, func(layer int) bool { return layer%2 == 0 })
	c.AttentionCap = k.capOr("attn_logit_softcapping", 50)
	c.LogitCap = k.capOr("final_logit_softcapping", 30)
	k.rope(&c, 10000)
	return c
}

func gemma2ToHF(c Config, out map[string]any) {
	gemmaToHF(c, out)
	out["attn_logit_softcapping"] = capToHF(c.AttentionCap)
}

// gemmaVariant is what Gemma 2 and 3 share.
func gemmaVariant(hidden int) Variant {
	return Variant{NormOffset: 1, PostNorms: true, Activation: GELUTanh,
		EmbedScale: math.Sqrt(float64(hidden))}
}

// gemma reads what Gemma 2 and 3 share.
func (k *hfKeys) gemma(context int) Config {
	c := k.decoder(hfDefaults{context: context, kvHeads: 4, headDim: 256, tied: true})
	c.Variant = gemmaVariant(c.Hidden)
	c.Activation = k.activation("hidden_activation", GELUTanh)
	c.QKVBias = k.boolOr("attention_bias", false)
	c.OutBias = c.QKVBias
	scalar := k.floatOr("query_pre_attn_scalar", 256)
	if !(scalar > 0 && scalar < 1e9) {
		k.fail("query_pre_attn_scalar %v is not between 0 and 1e9", scalar)
	}
	c.QueryScale = math.Pow(scalar, -0.5)
	return c
}

// capOr reads the bound of a soft cap: null says that there is none.
func (k *hfKeys) capOr(key string, missing float64) float64 {
	if !k.there(key) {
		return missing
	}
	v := k.floatOr(key, 0)
	if k.has(key) && !(v > 0) {
		k.fail("%s %v is not positive", key, v)
	}
	return v
}

func capToHF(v float64) any {
	if v == 0 {
		return nil
	}
	return decimal(v)
}

func gemmaToHF(c Config, out map[string]any) {
	decoderToHF(c, out)
	out["hidden_activation"] = c.Activation.hfName()
	out["attention_bias"] = c.QKVBias
	out["final_logit_softcapping"] = capToHF(c.LogitCap)
	out["sliding_window"] = windowToHF(c)
	out["layer_types"] = layerTypes(c)
	scalar := 1 / (c.QueryScale * c.QueryScale)
	if whole := math.Round(scalar); math.Abs(scalar-whole) < 1e-9*scalar {
		out["query_pre_attn_scalar"] = int(whole)
	} else {
		out["query_pre_attn_scalar"] = decimal(scalar)
	}
}
