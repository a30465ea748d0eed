package weights

import (
	"fmt"
	"math"
)

// RopeScaling are the settings that stretch rotary positions, as config.json has them.
type RopeScaling struct {
	// Type is the rope type: linear, dynamic, llama3 or yarn.
	Type string
	// Factor is by how much low frequencies are divided; linear divides all of them.
	Factor float64
	// LowFreqFactor and HighFreqFactor belong to llama3: how many turns within the original context
	// a frequency makes below which it is low, and above which it is left alone.
	LowFreqFactor, HighFreqFactor float64
	// OriginalContext is the length in tokens that llama3 and yarn extend.
	OriginalContext int
	// AttentionFactor is yarn's magnitude; 0 says that it follows from Factor, and from MScale and
	// MScaleAllDim where both are not 0.
	AttentionFactor, MScale, MScaleAllDim float64
	// BetaFast and BetaSlow are how many turns within the original context a frequency makes that
	// yarn leaves alone, and one that it divides by Factor; 0 stands for 32 and 1.
	BetaFast, BetaSlow float64
	// NoTruncate says that the bounds between the two are not moved to whole frequencies.
	NoTruncate bool
}

// factors returns the divisor of each of the dim/2 rotary frequencies, nil for ones.
func (s RopeScaling) factors(theta float64, dim int) []float32 {
	var divisor func(i int) float64
	switch s.Type {
	case "linear":
		divisor = func(int) float64 { return s.Factor }
	case "llama3":
		divisor = func(i int) float64 { return s.llama3(theta, float64(2*i)/float64(dim)) }
	case "yarn":
		divisor = s.yarn(theta, dim)
	default:
		// Dynamic scaling stretches what is longer than the model's context, and no sequence is.
		return nil
	}
	out := make([]float32, dim/2)
	for i := range out {
		out[i] = float32(divisor(i))
	}
	return out
}

// llama3 returns the divisor of the frequency theta^-exponent.
func (s RopeScaling) llama3(theta, exponent float64) float64 {
	wavelength := 2 * math.Pi * math.Pow(theta, exponent)
	turns := float64(s.OriginalContext) / wavelength
	switch {
	case turns > s.HighFreqFactor:
		return 1
	case turns < s.LowFreqFactor:
		return s.Factor
	}
	smooth := (turns - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
	return 1 / ((1-smooth)/s.Factor + smooth)
}

// yarn returns the divisor of the i-th frequency (arXiv 2309.00071, section 3.2): a ramp from 1 to
// Factor between the frequencies that turn BetaFast and BetaSlow times. The paper's ramp is linear
// in the turns; this one is linear in i, as in the paper's code and in transformers.
func (s RopeScaling) yarn(theta float64, dim int) func(i int) float64 {
	index := func(turns float64) float64 {
		return float64(dim) * math.Log(float64(s.OriginalContext)/(turns*2*math.Pi)) /
			(2 * math.Log(theta))
	}
	low, high := index(orElse(s.BetaFast, 32)), index(orElse(s.BetaSlow, 1))
	if !s.NoTruncate {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(dim-1))
	if low == high {
		high += 0.001 // as transformers does
	}
	return func(i int) float64 {
		ramp := min(max((float64(i)-low)/(high-low), 0), 1)
		return 1 / (ramp/s.Factor + 1 - ramp)
	}
}

// magnitude returns what rotated queries and keys are multiplied by.
func (s RopeScaling) magnitude() float64 {
	if s.Type != "yarn" {
		return 1
	}
	grown := func(scale float64) float64 {
		return 1 + 0.1*scale*math.Log(max(s.Factor, 1))
	}
	switch {
	case s.AttentionFactor != 0:
		return s.AttentionFactor
	case s.MScale != 0 && s.MScaleAllDim != 0:
		return grown(s.MScale) / grown(s.MScaleAllDim)
	}
	return grown(1)
}

// orElse returns v, or missing if v is 0.
func orElse(v, missing float64) float64 {
	if v == 0 {
		return missing
	}
	return v
}

// check returns what is wrong with the settings, "" if nothing is.
func (s RopeScaling) check() string {
	switch {
	case !(s.Factor >= 1 && s.Factor <= 1e6):
		return fmt.Sprintf("factor %v is not between 1 and 1e6", s.Factor)
	case s.Type == "llama3" && !(s.LowFreqFactor > 0 && s.HighFreqFactor > s.LowFreqFactor &&
		s.HighFreqFactor <= 1e6):
		return fmt.Sprintf(
			"low_freq_factor %v and high_freq_factor %v are not positive and ascending",
			s.LowFreqFactor, s.HighFreqFactor)
	case (s.Type == "llama3" || s.Type == "yarn") &&
		(s.OriginalContext < 1 || s.OriginalContext > 1<<30):
		return fmt.Sprintf("original_max_position_embeddings %d is not between 1 and %d",
			s.OriginalContext, 1<<30)
	}
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"attention_factor", s.AttentionFactor}, {"mscale", s.MScale},
		{"mscale_all_dim", s.MScaleAllDim}, {"beta_fast", s.BetaFast}, {"beta_slow", s.BetaSlow},
	} {
		if !(f.value >= 0 && f.value <= 1e6) {
			return fmt.Sprintf("%s %v is not between 0 and 1e6", f.name, f.value)
		}
	}
	return ""
}

// applyScaling computes RopeFactors and RopeMagnitude from RopeScaling.
func (c *Config) applyScaling(path string) error {
	s := c.RopeScaling
	if s == nil {
		return nil
	}
	if fault := s.check(); fault != "" {
		return dataError(path, "rope type %s: %s", s.Type, fault)
	}
	c.RopeFactors, c.RopeMagnitude = s.factors(c.RopeTheta, c.rotary()), 0
	if m := s.magnitude(); m != 1 {
		c.RopeMagnitude = m
	}
	for i, f := range c.RopeFactors {
		if !(f > 0) || math.IsInf(float64(f), 0) {
			return dataError(path, "rope type %s: frequency %d would be divided by %v", s.Type, i,
				f)
		}
	}
	return nil
}

// rotary returns how many dimensions of a head are rotated.
func (c Config) rotary() int {
	if c.RotaryDim == 0 {
		return c.HeadDim
	}
	return c.RotaryDim
}
