package weights

// The names that config.json gives to the types of layers.
const (
	fullLayer    = "full_attention"
	slidingLayer = "sliding_attention"
)

// hfDefaults are what transformers takes for keys that config.json lacks, where families differ.
type hfDefaults struct {
	context int
	kvHeads int // 0: as many as heads
	headDim int // 0: the width divided by the heads
	tied    bool
}

// sizes reads what every family has under the same names.
func (k *hfKeys) sizes(d hfDefaults) Config {
	return Config{
		Layers:        k.int("num_hidden_layers"),
		Hidden:        k.int("hidden_size"),
		Heads:         k.int("num_attention_heads"),
		FFN:           k.int("intermediate_size"),
		Vocab:         k.int("vocab_size"),
		Context:       k.intOr("max_position_embeddings", d.context),
		TieEmbeddings: k.boolOr("tie_word_embeddings", d.tied),
	}
}

// decoder is sizes for the families with RMSNorm and grouped KV heads.
func (k *hfKeys) decoder(d hfDefaults) Config {
	c := k.sizes(d)
	c.NormEps = k.floatOr("rms_norm_eps", 1e-6)
	c.KVHeads = c.Heads // null says so too
	if d.kvHeads > 0 && !k.there("num_key_value_heads") {
		c.KVHeads = d.kvHeads
	}
	c.KVHeads = k.intOr("num_key_value_heads", c.KVHeads)
	c.HeadDim = d.headDim
	if d.headDim == 0 && c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	c.HeadDim = k.intOr("head_dim", c.HeadDim)
	return c
}

// decoderToHF writes what decoder and rope read.
func decoderToHF(c Config, out map[string]any) {
	out["num_key_value_heads"] = c.KVHeads
	out["head_dim"] = c.HeadDim
	out["rms_norm_eps"] = decimal(c.NormEps)
	out["rope_theta"] = decimal(c.RopeTheta)
	out["rope_scaling"] = c.RopeScaling.toHF()
}

// activations are the names that transformers has for an activation, the one to be written first.
var activations = [][]string{
	SiLU:     {"silu", "swish"},
	GELU:     {"gelu", "gelu_python"},
	GELUTanh: {"gelu_pytorch_tanh", "gelu_new", "gelu_fast"},
}

func (k *hfKeys) activation(key string, missing Activation) Activation {
	name := k.stringOr(key, missing.hfName())
	for a, names := range activations {
		for _, n := range names {
			if n == name {
				return Activation(a)
			}
		}
	}
	k.refuse(key, name)
	return missing
}

func (a Activation) hfName() string { return activations[a][0] }

// hasWindow reports whether sliding_window is a number, or left out: then it has its default.
func (k *hfKeys) hasWindow() bool {
	return k.has("sliding_window") || !k.there("sliding_window")
}

// layerWindows returns the windows of the layers that layer_types names or, without it, sliding.
func (k *hfKeys) layerWindows(layers int, sliding func(layer int) bool) []int {
	var types []string
	if !k.read("layer_types", &types, "a list of texts") {
		return k.windows(layers, sliding)
	}
	if len(types) != layers {
		k.fail("layer_types has %d entries for %d layers", len(types), layers)
		return nil
	}
	for _, t := range types {
		if t != fullLayer && t != slidingLayer {
			k.fail("layer_types: %q is not supported", t)
		}
	}
	return k.windows(layers, func(layer int) bool { return types[layer] == slidingLayer })
}

// windows returns Config.Windows: sliding_window for the layers for which sliding holds.
func (k *hfKeys) windows(layers int, sliding func(layer int) bool) []int {
	k.has("sliding_window") // it may be there without use
	if layers > maxLayers {
		return nil // Config.check refuses it
	}
	out := windowList(layers, 1, sliding)
	if out == nil {
		return nil
	}
	if !k.hasWindow() {
		k.fail("sliding_window is missing")
	}
	size := k.intOr("sliding_window", 4096)
	if size < 1 {
		k.fail("sliding_window %d is not positive", size)
	}
	return windowList(layers, size, sliding)
}

// windowList returns a window of size tokens for the layers for which sliding holds, nil if it
// holds for none.
func windowList(layers, size int, sliding func(layer int) bool) []int {
	var out []int
	for layer := range max(layers, 0) {
		if !sliding(layer) {
			continue
		}
		if out == nil {
			out = make([]int, layers)
		}
		out[layer] = size
	}
	return out
}

// windowToHF returns sliding_window of config.json.
func windowToHF(c Config) any {
	if w := c.window(); w > 0 {
		return w
	}
	return nil
}

// layerTypes returns layer_types of config.json.
func layerTypes(c Config) []string {
	out := make([]string, c.Layers)
	for layer := range out {
		out[layer] = fullLayer
		if c.Windows != nil && c.Windows[layer] > 0 {
			out[layer] = slidingLayer
		}
	}
	return out
}
