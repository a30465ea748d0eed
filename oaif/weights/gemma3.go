package weights

import "math"

// gemma3 is the family of Gemma 3's text models: Gemma 2 with norms on queries and keys, without
// caps on scores, whose layers with a window rotate by a base of their own.
var gemma3 = family{
	arch:     "gemma3",
	hfType:   "gemma3_text", // "gemma3" is text and images
	hfClass:  "Gemma3ForCausalLM",
	fromGGUF: gemma3FromGGUF,
	fromHF:   gemma3FromHF,
	harmless: []string{"hidden_act", "_sliding_window_pattern"}, // transformers reads others
	toHF:     gemma3ToHF,
	tensors:  decoderTensors,
	ignored:  decoderIgnored,
}

// gemma3Pattern: every sixth layer sees all tokens.
const gemma3Pattern = 6

// gemma3Large is the number of layers of the one model (27B) whose scores are not scaled by its
// head size, which GGUF files have no key for.
const gemma3Large = 62

func gemma3FromGGUF(k *ggufKeys) Config {
	c := k.decoder("gemma3")
	c.Variant = gemmaVariant(c.Hidden)
	c.QKNorm = true
	if c.Layers == gemma3Large && c.Heads > 0 {
		c.QueryScale = math.Pow(float64(c.Hidden/c.Heads), -0.5)
	} else {
		c.QueryScale = math.Pow(float64(c.HeadDim), -0.5)
	}
	c.LogitCap = k.floatOr("gemma3.final_logit_softcapping", 0)
	k.requireFloat("gemma3.attn_logit_softcapping", 0)
	window := k.intOr("gemma3.attention.sliding_window", 0)
	pattern := k.intOr("gemma3.attention.sliding_window_pattern", gemma3Pattern)
	local := k.floatOr("gemma3.rope.freq_base_swa", 10000)
	if window != 0 && c.Layers > 0 && c.Layers <= maxLayers {
		c.Windows = windowList(c.Layers, window, gemma3Sliding(k, pattern))
		c.LocalRopeTheta = local
	}
	return c
}

// gemma3Sliding returns which layers have a window when every pattern-th has none.
func gemma3Sliding(k interface{ fail(string, ...any) }, pattern int) func(layer int) bool {
	if pattern < 1 {
		k.fail("sliding_window_pattern %d is not positive", pattern)
		return func(int) bool { return false }
	}
	return func(layer int) bool { return (layer+1)%pattern != 0 }
}

func gemma3FromHF(k *hfKeys) Config {
	c := k.gemma(131072)
	c.QKNorm = true
	c.LogitCap = k.capOr("final_logit_softcapping", 0)
	if k.has("attn_logit_softcapping") { // which transformers does not apply
		k.refuse("attn_logit_softcapping", string(k.raw["attn_logit_softcapping"]))
	}
	c.Windows = k.layerWindows(c.Layers,
		gemma3Sliding(k, k.intOr("sliding_window_pattern", gemma3Pattern)))
	c.RopeTheta = k.floatOr("rope_theta", 1e6)
	c.LocalRopeTheta = k.floatOr("rope_local_base_freq", 10000)
	k.gemma3Rope(&c)
	if c.Windows == nil {
		c.LocalRopeTheta = 0
	}
	return c
}

// gemma3Rope reads what transformers 4 calls rope_scaling, which holds for layers without a window,
// or the settings of both types of layer that transformers 5 writes.
func (k *hfKeys) gemma3Rope(c *Config) {
	if !k.oneRope() {
		return
	}
	if scaling := k.object("rope_scaling"); scaling != nil {
		scaling.scaling(c, 0)
		k.adopt(scaling)
	}
	both := k.object("rope_parameters")
	if both == nil {
		return
	}
	if full := both.object(fullLayer); full != nil {
		full.scaling(c, 0)
		both.adopt(full)
	}
	if sliding := both.object(slidingLayer); sliding != nil {
		local := Config{RopeTheta: c.LocalRopeTheta}
		sliding.scaling(&local, 0)
		c.LocalRopeTheta = local.RopeTheta
		if local.RopeScaling != nil {
			sliding.refuse("rope_type", local.RopeScaling.Type)
		}
		both.adopt(sliding)
	}
	both.refuseUnread()
	k.adopt(both)
}

func gemma3ToHF(c Config, out map[string]any) {
	gemmaToHF(c, out)
	if c.LocalRopeTheta != 0 {
		out["rope_local_base_freq"] = decimal(c.LocalRopeTheta)
	}
}
