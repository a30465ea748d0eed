package weights

// originalContext is the key of the length in tokens that was stretched.
const originalContext = "original_max_position_embeddings"

// rope sets the rotary settings from config.json. transformers 4 writes rope_theta and
// rope_scaling, transformers 5 rope_parameters with rope_theta in it; both are read, and "type" is
// an older spelling of "rope_type".
func (k *hfKeys) rope(c *Config, defaultTheta float64) {
	c.RopeTheta = k.floatOr("rope_theta", defaultTheta)
	k.wholeHead()
	original := k.intOr(originalContext, 0)
	if settings := k.ropeObject(); settings != nil {
		settings.wholeHead()
		settings.scaling(c, original)
		k.adopt(settings)
	}
}

// wholeHead refuses a part of each head to be rotated.
func (k *hfKeys) wholeHead() {
	if f := k.floatOr("partial_rotary_factor", 1); f != 1 {
		k.refuse("partial_rotary_factor", f)
	}
}

// oneRope reports whether one of the objects rope_scaling and rope_parameters is there at most.
func (k *hfKeys) oneRope() bool {
	if k.has("rope_scaling") && k.has("rope_parameters") {
		k.fail("rope_scaling and rope_parameters are both there")
		return false
	}
	return true
}

// ropeObject returns the object rope_scaling or rope_parameters, nil if neither is there.
func (k *hfKeys) ropeObject() *hfKeys {
	if !k.oneRope() {
		return nil
	}
	if settings := k.object("rope_scaling"); settings != nil {
		return settings
	}
	return k.object("rope_parameters")
}

// scaling reads the object rope_parameters or rope_scaling; original, if not 0, overrides what it
// says of the original context.
func (k *hfKeys) scaling(c *Config, original int) {
	for _, name := range sortedKeys(k.raw) {
		if len(k.raw[name]) > 0 && k.raw[name][0] == '{' {
			k.fail("%s: settings for each type of layer are not supported", name)
		}
	}
	c.RopeTheta = k.floatOr("rope_theta", c.RopeTheta)
	kind := k.stringOr("type", "default")
	s := &RopeScaling{Type: k.stringOr("rope_type", kind)}
	switch s.Type {
	case "default":
		k.refuseUnread()
		return
	case "linear", "dynamic":
		k.has(originalContext) // both go without it
	case "llama3":
		s.LowFreqFactor, s.HighFreqFactor = k.float("low_freq_factor"), k.float("high_freq_factor")
		s.OriginalContext = k.intOr(originalContext, c.Context)
	case "yarn":
		s.OriginalContext = k.intOr(originalContext, c.Context)
		k.yarn(s)
	default:
		k.fail("rope type %q is not supported (supported: default, linear, dynamic, llama3, yarn)",
			s.Type)
		return
	}
	if original != 0 && s.OriginalContext != 0 {
		s.OriginalContext = original
	}
	s.Factor = k.factor(s, c.Context)
	k.refuseUnread()
	if fault := s.check(); fault != "" {
		k.fail("%s", fault)
	}
	c.RopeScaling = s
}

// factor reads by how much the context is stretched: yarn's null says that it is stretched to the
// whole one.
func (k *hfKeys) factor(s *RopeScaling, context int) float64 {
	if s.Type == "yarn" && k.there("factor") && !k.has("factor") {
		return float64(context) / float64(max(s.OriginalContext, 1))
	}
	return k.float("factor")
}

// yarn reads what only yarn has.
func (k *hfKeys) yarn(s *RopeScaling) {
	s.AttentionFactor = k.floatOr("attention_factor", 0)
	if k.has("attention_factor") && !(s.AttentionFactor > 0) {
		k.fail("attention_factor %v is not positive", s.AttentionFactor)
	}
	s.MScale, s.MScaleAllDim = k.floatOr("mscale", 0), k.floatOr("mscale_all_dim", 0)
	s.BetaFast, s.BetaSlow = k.floatOr("beta_fast", 0), k.floatOr("beta_slow", 0)
	s.NoTruncate = !k.boolOr("truncate", true)
}

// toHF returns rope_scaling of config.json: nil for none, else what scaling reads.
func (s *RopeScaling) toHF() any {
	if s == nil {
		return nil
	}
	out := map[string]any{"rope_type": s.Type, "factor": decimal(s.Factor)}
	if s.OriginalContext != 0 {
		out[originalContext] = s.OriginalContext
	}
	if s.NoTruncate {
		out["truncate"] = false
	}
	for key, value := range map[string]float64{
		"low_freq_factor": s.LowFreqFactor, "high_freq_factor": s.HighFreqFactor,
		"attention_factor": s.AttentionFactor, "mscale": s.MScale,
		"mscale_all_dim": s.MScaleAllDim, "beta_fast": s.BetaFast, "beta_slow": s.BetaSlow,
	} {
		if value != 0 {
			out[key] = decimal(value)
		}
	}
	return out
}
