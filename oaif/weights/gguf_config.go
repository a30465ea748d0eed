package weights

import "strings"

// decoder reads what the families share from the metadata keys of an architecture.
func (k *ggufKeys) decoder(arch string) Config {
	c := Config{
		Layers:  k.int(arch + ".block_count"),
		Hidden:  k.int(arch + ".embedding_length"),
		Heads:   k.int(arch + ".attention.head_count"),
		FFN:     k.int(arch + ".feed_forward_length"),
		Context: k.int(arch + ".context_length"),
		NormEps: k.float(arch + ".attention.layer_norm_rms_epsilon"),
	}
	c.KVHeads = k.intOr(arch+".attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	c.HeadDim = k.intOr(arch+".attention.key_length", c.HeadDim)
	k.require(arch+".attention.value_length", c.HeadDim)
	k.require(arch+".rope.dimension_count", c.HeadDim)
	k.require(arch+".expert_count", 0)
	k.require(arch+".expert_used_count", 0)
	k.rope(arch, &c)
	return c
}

// rope reads the rotary settings. llama3's are not among them, but in a tensor: ropeFactors.
func (k *ggufKeys) rope(arch string, c *Config) {
	c.RopeTheta = k.floatOr(arch+".rope.freq_base", 10000)
	scaling := arch + ".rope.scaling."
	k.get(scaling + "finetuned")
	s := &RopeScaling{Type: k.stringOr(scaling+"type", "linear"),
		Factor: k.floatOr(scaling+"factor", k.floatOr(arch+".rope.scale_linear", 1))}
	original := k.intOr(scaling+"original_context_length", c.Context)
	switch s.Type {
	case "none":
		return
	case "linear":
		if s.Factor == 0 || s.Factor == 1 {
			return
		}
	case "yarn":
		s.OriginalContext = original
		s.BetaFast = k.floatOr(scaling+"yarn_beta_fast", 0)
		s.BetaSlow = k.floatOr(scaling+"yarn_beta_slow", 0)
		k.requireFloat(scaling+"attn_factor", 1)
		k.requireFloat(scaling+"yarn_attn_factor", 1)
		k.requireFloat(scaling+"yarn_ext_factor", 1)
	default:
		k.refuse(scaling+"type", s.Type)
		return
	}
	if fault := s.check(); fault != "" {
		k.fail("%s%s: %s", scaling, s.Type, fault)
	}
	c.RopeScaling = s
}

// refuseUnread refuses keys of the architecture that nobody asked for: what they say may change the
// model.
func (k *ggufKeys) refuseUnread(arch string) {
	for _, key := range sortedKeys(k.md.values) {
		if strings.HasPrefix(key, arch+".") && !k.seen[key] {
			k.fail("metadata key %q is not known, and may change what the model computes", key)
		}
	}
}
