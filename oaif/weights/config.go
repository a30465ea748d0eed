package weights

import (
	"math"
	"slices"
)

// Config is a model's settings, the same whatever file they came from.
type Config struct {
	// Arch names the family, such as "llama".
	Arch string
	// Layers, Hidden, Heads, KVHeads, HeadDim, FFN and Vocab are the sizes of the network, all
	// positive; HeadDim is even and KVHeads divides Heads.
	Layers, Hidden, Heads, KVHeads, HeadDim, FFN, Vocab int
	// Context is the longest sequence in tokens that the model was made for.
	Context int
	// NormEps is added to the mean square in RMSNorm, to the variance in LayerNorm.
	NormEps float64
	// RopeTheta is the base of the rotary frequencies theta^(-2i/RotaryDim).
	RopeTheta float64
	// RopeScaling are the settings that produce RopeFactors, nil when there is none or when they
	// are not known.
	RopeScaling *RopeScaling
	// RopeFactors divide the RotaryDim/2 rotary frequencies; nil stands for ones.
	RopeFactors []float32
	Variant
	// TieEmbeddings says that the output head is the embedding matrix; then there is no
	// "lm_head.weight".
	TieEmbeddings bool
	// BOS is the id that begins a text, -1 for none.
	BOS int32
	// EOS are the ids that end a completion, ascending, without repeats; it may be empty.
	EOS []int32
}

// Variant is what sets a family apart from Llama 1: its zero value is RMSNorm before attention and
// before a gated SiLU, no biases, and all of each head rotated.
type Variant struct {
	// LayerNorm says that norms are LayerNorms with weight and bias, not RMSNorms.
	LayerNorm bool
	// NormOffset is added to an RMSNorm's weights: 1 in Gemma.
	NormOffset float64
	// QKNorm says that each head's query and key pass an RMSNorm before they are rotated.
	QKNorm bool
	// PostNorms says that what attention and feed-forward add to the residual passes a norm.
	PostNorms bool
	// Parallel says that the feed-forward reads the layer's input, not attention's result.
	Parallel bool
	// Activation is the feed-forward's. Ungated says that it is all there is between the two
	// matrices, without a second one that it gates.
	Activation Activation
	Ungated    bool
	// QKVBias, OutBias and MLPBias say which products have a bias.
	QKVBias, OutBias, MLPBias bool
	// RotaryDim is how many of a head's dimensions are rotated, the first ones; 0 stands for all.
	RotaryDim int
	// RopeMagnitude multiplies rotated queries and keys (YaRN's attention factor); 0 stands for 1.
	RopeMagnitude float64
	// Windows says for each layer how many tokens a token sees, itself included; 0 stands for all
	// before it, and nil for all in every layer.
	Windows []int
	// LocalRopeTheta, if not 0, is the base of the layers with a window; they know no factors.
	LocalRopeTheta float64
	// EmbedScale multiplies embeddings, QueryScale the scores of attention; 0 stands for 1 and for
	// HeadDim^-0.5.
	EmbedScale, QueryScale float64
	// AttentionCap and LogitCap bound scores and logits by cap * tanh(x / cap); 0 is none.
	AttentionCap, LogitCap float64
}

// Activation is the function between the feed-forward's matrices.
type Activation int

// The activations of the families.
const (
	SiLU     Activation = iota
	GELU                // with the error function
	GELUTanh            // with the approximation by tanh
)

// RopeScaling are the settings of rope type llama3.
type RopeScaling struct {
	Factor          float64 // by which low frequencies are divided
	LowFreqFactor   float64 // original context / wavelength below which a frequency is low
	HighFreqFactor  float64 // original context / wavelength above which a frequency is left alone
	OriginalContext int     // tokens
}

// factors returns the divisor of each of the headDim/2 rotary frequencies.
func (s RopeScaling) factors(theta float64, headDim int) []float32 {
	out := make([]float32, headDim/2)
	for i := range out {
		wavelength := 2 * math.Pi * math.Pow(theta, float64(2*i)/float64(headDim))
		turns := float64(s.OriginalContext) / wavelength
		switch {
		case turns > s.HighFreqFactor:
			out[i] = 1
		case turns < s.LowFreqFactor:
			out[i] = float32(s.Factor)
		default:
			smooth := (turns - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
			out[i] = float32(1 / ((1-smooth)/s.Factor + smooth))
		}
	}
	return out
}

// check refuses sizes that no model has, before anything is computed or allocated from them.
func (c Config) check(path string) error {
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"number of layers", c.Layers, 1 << 12}, {"hidden size", c.Hidden, 1 << 18},
		{"number of heads", c.Heads, 1 << 12}, {"number of KV heads", c.KVHeads, 1 << 12},
		{"head size", c.HeadDim, 1 << 14}, {"feed-forward size", c.FFN, 1 << 22},
		{"vocabulary size", c.Vocab, 1 << 26}, {"context length", c.Context, 1 << 30},
	} {
		if f.value < 1 || f.value > f.max {
			return dataError(path, "%s %d is not between 1 and %d", f.name, f.value, f.max)
		}
	}
	if c.HeadDim%2 != 0 {
		return dataError(path, "head size %d is odd", c.HeadDim)
	}
	if c.Heads%c.KVHeads != 0 {
		return dataError(path, "%d heads cannot share %d KV heads", c.Heads, c.KVHeads)
	}
	if !(c.NormEps >= 0 && c.NormEps < 1) {
		return dataError(path, "norm epsilon %v is not in [0, 1)", c.NormEps)
	}
	if !(c.RopeTheta > 0 && c.RopeTheta < 1e12) {
		return dataError(path, "rope theta %v is not between 0 and 1e12", c.RopeTheta)
	}
	return c.checkIDs(path)
}

func (c Config) checkIDs(path string) error {
	if c.BOS < -1 || int(c.BOS) >= c.Vocab {
		return dataError(path, "begin-of-text id %d is outside the vocabulary of %d",
			c.BOS, c.Vocab)
	}
	for _, id := range c.EOS {
		if id < 0 || int(id) >= c.Vocab {
			return dataError(path, "end-of-text id %d is outside the vocabulary of %d", id, c.Vocab)
		}
	}
	return nil
}

// uniteIDs sorts ids and drops repeats.
func uniteIDs(ids []int32) []int32 {
	slices.Sort(ids)
	return slices.Compact(ids)
}
