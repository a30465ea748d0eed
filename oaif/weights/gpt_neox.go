package weights

import (
	"math"
	"strings"
)

// gptNeoX is the family of Pythia and GPT-NeoX: LayerNorm, biases everywhere, attention and an
// ungated feed-forward beside each other, and the first part of each head rotated.
var gptNeoX = family{
	arch:     "gpt_neox",
	hfType:   "gpt_neox",
	hfClass:  "GPTNeoXForCausalLM",
	fromHF:   gptNeoXFromHF,
	harmless: []string{"is_decoder"},
	toHF:     gptNeoXToHF,
	tensors:  gptNeoXTensors,
	ignored: func(c Config, name string) bool {
		for _, buffer := range []string{"bias", "masked_bias", "rotary_emb.inv_freq"} {
			if strings.HasSuffix(name, ".attention."+buffer) { // the mask, and rotary frequencies
				return true
			}
		}
		return c.TieEmbeddings && name == "embed_out.weight"
	},
}

func gptNeoXFromHF(k *hfKeys) Config {
	c := k.sizes(hfDefaults{context: 2048})
	c.NormEps = k.floatOr("layer_norm_eps", 1e-5)
	c.KVHeads = c.Heads
	if c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	if c.Heads*c.HeadDim != c.Hidden {
		k.fail("hidden_size %d is not a multiple of num_attention_heads %d", c.Hidden, c.Heads)
	}
	c.Variant = Variant{LayerNorm: true, Ungated: true, MLPBias: true,
		Activation: k.activation("hidden_act", GELU),
		Parallel:   k.boolOr("use_parallel_residual", true),
		QKVBias:    k.boolOr("attention_bias", true)}
	c.OutBias = c.QKVBias
	k.gptNeoXRope(&c)
	return c
}

// gptNeoXRope reads the rotary settings, which have names of their own where they are not in
// rope_parameters. Files of transformers 4 may have the usual names too.
func (k *hfKeys) gptNeoXRope(c *Config) {
	theta, part := k.floatOr("rotary_emb_base", 10000), k.floatOr("rotary_pct", 0.25)
	if t := k.floatOr("rope_theta", theta); t != theta {
		k.fail("rope_theta %v is not rotary_emb_base %v", t, theta)
	}
	if p := k.floatOr("partial_rotary_factor", part); p != part {
		k.fail("partial_rotary_factor %v is not rotary_pct %v", p, part)
	}
	c.RopeTheta = theta
	settings := k.ropeObject()
	if settings != nil {
		part = settings.floatOr("partial_rotary_factor", part)
		settings.scaling(c, k.intOr(originalContext, 0))
		k.adopt(settings)
	}
	c.RotaryDim = int(float64(c.HeadDim) * part)
	switch {
	case !(part > 0 && part <= 1) || c.RotaryDim == 0:
		k.fail("rotary_pct %v of a head of %d is not a part of it", part, c.HeadDim)
	case c.RotaryDim == c.HeadDim:
		c.RotaryDim = 0
	}
}

func gptNeoXToHF(c Config, out map[string]any) {
	part := float64(c.rotary()) / float64(c.HeadDim)
	if int(float64(c.HeadDim)*part) < c.rotary() {
		part = math.Nextafter(part, 1) // it is rounded down by whoever reads it
	}
	out["hidden_act"] = c.Activation.hfName()
	out["layer_norm_eps"] = decimal(c.NormEps)
	out["use_parallel_residual"] = c.Parallel
	out["attention_bias"] = c.QKVBias
	out["rotary_pct"] = decimal(part)
	out["rotary_emb_base"] = decimal(c.RopeTheta)
	out["rope_scaling"] = c.RopeScaling.toHF()
}

func gptNeoXTensors(c Config) []tensorSpec {
	place := func(row int) int { // from [head, q k v, dimension] to [q k v, head, dimension]
		head, rest := row/(3*c.HeadDim), row%(3*c.HeadDim)
		return (rest/c.HeadDim*c.Heads+head)*c.HeadDim + rest%c.HeadDim
	}
	l := &layerList{c: c}
	l.norm("input_layernorm", "", c.Hidden)
	l.product(c.QKVBias, tensorSpec{hf: "attention.query_key_value",
		shape: []int{3 * c.Hidden, c.Hidden}, place: place})
	l.product(c.OutBias, tensorSpec{hf: "attention.dense", shape: []int{c.Hidden, c.Hidden}})
	l.norm("post_attention_layernorm", "", c.Hidden)
	l.product(c.MLPBias, tensorSpec{hf: "mlp.dense_h_to_4h", shape: []int{c.FFN, c.Hidden}})
	l.product(c.MLPBias, tensorSpec{hf: "mlp.dense_4h_to_h", shape: []int{c.Hidden, c.FFN}})
	specs := l.repeat("gpt_neox.layers.%d.", "")
	specs = append(specs,
		tensorSpec{hf: "gpt_neox.embed_in.weight", shape: []int{c.Vocab, c.Hidden},
			buffer: c.Layers},
		tensorSpec{hf: "gpt_neox.final_layer_norm.weight", shape: []int{c.Hidden},
			buffer: c.Layers + 1, norm: true},
		tensorSpec{hf: "gpt_neox.final_layer_norm.bias", shape: []int{c.Hidden},
			buffer: c.Layers + 1})
	if !c.TieEmbeddings {
		specs = append(specs, tensorSpec{hf: "embed_out.weight", shape: []int{c.Vocab, c.Hidden},
			buffer: c.Layers + 2})
	}
	return specs
}
