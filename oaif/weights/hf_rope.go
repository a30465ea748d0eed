package weights

import "cmp"

// rope sets the rotary settings from config.json. transformers 4 writes rope_theta and
// rope_scaling, transformers 5 rope_parameters with rope_theta in it; both are read, and "type" is
// an older spelling of "rope_type".
func (k *hfKeys) rope(c *Config, defaultTheta float64) {
	c.RopeTheta = k.floatOr("rope_theta", defaultTheta)
	if f := k.floatOr("partial_rotary_factor", 1); f != 1 {
		k.refuse("partial_rotary_factor", f)
	}
	for _, key := range []string{"rope_parameters", "rope_scaling"} {
		if o := k.object(key); o != nil {
			o.scaling(c)
			k.err = cmp.Or(k.err, o.err)
		}
	}
}

// scaling reads the object rope_parameters or rope_scaling.
func (k *hfKeys) scaling(c *Config) {
	for _, name := range sortedKeys(k.raw) {
		if len(k.raw[name]) > 0 && k.raw[name][0] == '{' {
			k.fail("%s: settings for each type of layer are not supported", name)
		}
	}
	c.RopeTheta = k.floatOr("rope_theta", c.RopeTheta)
	if f := k.floatOr("partial_rotary_factor", 1); f != 1 {
		k.refuse("partial_rotary_factor", f)
	}
	switch kind := k.stringOr("rope_type", k.stringOr("type", "default")); kind {
	case "default":
	case "llama3":
		k.llama3(c)
	default:
		k.fail("rope type %q is not supported (default and llama3 are)", kind)
	}
}

func (k *hfKeys) llama3(c *Config) {
	s := RopeScaling{
		Factor:          k.float("factor"),
		LowFreqFactor:   k.float("low_freq_factor"),
		HighFreqFactor:  k.float("high_freq_factor"),
		OriginalContext: k.intOr("original_max_position_embeddings", c.Context),
	}
	if k.err != nil {
		return
	}
	if !(s.Factor >= 1 && s.Factor <= 1e6) {
		k.fail("factor %v is not between 1 and 1e6", s.Factor)
	}
	if !(s.LowFreqFactor > 0 && s.HighFreqFactor > s.LowFreqFactor && s.HighFreqFactor <= 1e6) {
		k.fail("low_freq_factor %v and high_freq_factor %v are not positive and ascending",
			s.LowFreqFactor, s.HighFreqFactor)
	}
	if s.OriginalContext < 1 || s.OriginalContext > 1<<30 {
		k.fail("original_max_position_embeddings %d is not between 1 and %d",
			s.OriginalContext, 1<<30)
	}
	c.RopeScaling = &s
}
