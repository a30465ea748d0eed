package weights

import "slices"

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
	// RopeFactors divide the RotaryDim/2 rotary frequencies; nil stands for ones. RopeMagnitude and
	// they follow from RopeScaling.
	RopeFactors []float32
	Variant
	// TieEmbeddings says that the output head is the embedding matrix; then there is no
	// "lm_head.weight".
	TieEmbeddings bool
	// Reward says that the model is a reward model, which has ScoreName in the place of an output
	// head; TieEmbeddings is true then.
	Reward bool
	// Pad is a reward model's padding id, -1 for none: the score is that of the last other token. A
	// language model's is not read.
	Pad int
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

// maxLayers is the most layers of a model that is read.
const maxLayers = 1 << 12

// check refuses sizes that no model has, before anything is computed or allocated from them.
func (c Config) check(path string) error {
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"number of layers", c.Layers, maxLayers}, {"hidden size", c.Hidden, 1 << 18},
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
	if err := c.checkVariant(path); err != nil {
		return err
	}
	return c.checkIDs(path)
}

// checkVariant refuses what sets a family apart and makes no sense.
func (c Config) checkVariant(path string) error {
	if c.RotaryDim < 0 || c.RotaryDim > c.HeadDim || c.RotaryDim%2 != 0 {
		return dataError(path, "%d rotary dimensions of a head of %d are odd or out of range",
			c.RotaryDim, c.HeadDim)
	}
	if c.RopeFactors != nil && len(c.RopeFactors) != c.rotary()/2 {
		return dataError(path, "%d rotary frequency factors are there, expected %d",
			len(c.RopeFactors), c.rotary()/2)
	}
	if c.Activation < SiLU || c.Activation > GELUTanh {
		return dataError(path, "activation %d is not known", c.Activation)
	}
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"norm offset", c.NormOffset}, {"rotary magnitude", c.RopeMagnitude},
		{"local rope theta", c.LocalRopeTheta}, {"scale of embeddings", c.EmbedScale},
		{"scale of queries", c.QueryScale}, {"cap of attention's scores", c.AttentionCap},
		{"cap of logits", c.LogitCap},
	} {
		if !(f.value >= 0 && f.value < 1e12) {
			return dataError(path, "%s %v is not between 0 and 1e12", f.name, f.value)
		}
	}
	if c.LocalRopeTheta != 0 && c.RopeScaling != nil && c.RopeScaling.magnitude() != 1 {
		// The magnitude would hold for the layers with a window too.
		return dataError(path, "rope type %s with a base of its own for layers with a window "+
			"is not supported", c.RopeScaling.Type)
	}
	return c.checkWindows(path)
}

func (c Config) checkWindows(path string) error {
	if c.Windows != nil && len(c.Windows) != c.Layers {
		return dataError(path, "%d windows of attention are there for %d layers", len(c.Windows),
			c.Layers)
	}
	for layer, w := range c.Windows {
		if w < 0 || w > 1<<30 {
			return dataError(path, "window %d of layer %d is not between 0 and %d", w, layer, 1<<30)
		}
		if w != 0 && w != c.window() {
			return dataError(path, "windows of %d and of %d tokens in one model are not supported",
				c.window(), w)
		}
	}
	return nil
}

// window returns the tokens of the layers that have a window, 0 if none has.
func (c Config) window() int {
	for _, w := range c.Windows {
		if w != 0 {
			return w
		}
	}
	return 0
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
