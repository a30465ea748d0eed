package weights

import (
	"fmt"
	"strings"
)

// layerList collects the tensors of one layer in the order of Layout.
type layerList struct {
	c     Config
	specs []tensorSpec
}

// norm adds a norm over n values: its weight and, for a LayerNorm, its bias.
func (l *layerList) norm(hf, gguf string, n int) {
	l.specs = append(l.specs, tensorSpec{hf: hf + ".weight", gguf: gguf + ".weight",
		shape: []int{n}, norm: true})
	if l.c.LayerNorm {
		l.specs = append(l.specs, tensorSpec{hf: hf + ".bias", gguf: gguf + ".bias",
			shape: []int{n}})
	}
}

// product adds the weights of products of the same input, and behind them their biases.
func (l *layerList) product(bias bool, parts ...tensorSpec) {
	for _, p := range parts {
		p.hf, p.gguf = p.hf+".weight", p.gguf+".weight"
		l.specs = append(l.specs, p)
	}
	if !bias {
		return
	}
	for _, p := range parts {
		p.hf, p.gguf, p.shape = p.hf+".bias", p.gguf+".bias", p.shape[:1]
		l.specs = append(l.specs, p)
	}
}

// repeat returns the tensors for every layer, under prefixes that hold the layer's number.
func (l *layerList) repeat(hf, gguf string) []tensorSpec {
	var out []tensorSpec
	for i := range l.c.Layers {
		for _, s := range l.specs {
			s.hf, s.gguf, s.buffer = fmt.Sprintf(hf, i)+s.hf, fmt.Sprintf(gguf, i)+s.gguf, i
			out = append(out, s)
		}
	}
	return out
}

// decoderTensors lists the tensors of a model under the names that most families give them.
func decoderTensors(c Config) []tensorSpec {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	l := &layerList{c: c}
	l.norm("input_layernorm", "attn_norm", c.Hidden)
	l.product(c.QKVBias,
		tensorSpec{hf: "self_attn.q_proj", gguf: "attn_q", shape: []int{q, c.Hidden},
			rotaryHeads: c.Heads},
		tensorSpec{hf: "self_attn.k_proj", gguf: "attn_k", shape: []int{kv, c.Hidden},
			rotaryHeads: c.KVHeads},
		tensorSpec{hf: "self_attn.v_proj", gguf: "attn_v", shape: []int{kv, c.Hidden}})
	if c.QKNorm {
		l.norm("self_attn.q_norm", "attn_q_norm", c.HeadDim)
		l.norm("self_attn.k_norm", "attn_k_norm", c.HeadDim)
	}
	l.product(c.OutBias,
		tensorSpec{hf: "self_attn.o_proj", gguf: "attn_output", shape: []int{c.Hidden, q}})
	if c.PostNorms {
		l.norm("post_attention_layernorm", "post_attention_norm", c.Hidden)
		l.norm("pre_feedforward_layernorm", "ffn_norm", c.Hidden)
	} else {
		l.norm("post_attention_layernorm", "ffn_norm", c.Hidden) // named after what it follows
	}
	l.product(c.MLPBias,
		tensorSpec{hf: "mlp.gate_proj", gguf: "ffn_gate", shape: []int{c.FFN, c.Hidden}},
		tensorSpec{hf: "mlp.up_proj", gguf: "ffn_up", shape: []int{c.FFN, c.Hidden}})
	l.product(c.MLPBias,
		tensorSpec{hf: "mlp.down_proj", gguf: "ffn_down", shape: []int{c.Hidden, c.FFN}})
	if c.PostNorms {
		l.norm("post_feedforward_layernorm", "post_ffw_norm", c.Hidden)
	}
	return append(l.repeat("model.layers.%d.", "blk.%d."), decoderOuter(c)...)
}

// decoderOuter lists the tensors outside of the layers.
func decoderOuter(c Config) []tensorSpec {
	specs := []tensorSpec{
		{hf: "model.embed_tokens.weight", gguf: "token_embd.weight",
			shape: []int{c.Vocab, c.Hidden}, buffer: c.Layers},
		{hf: "model.norm.weight", gguf: "output_norm.weight", shape: []int{c.Hidden},
			buffer: c.Layers + 1, norm: true},
	}
	if c.Reward {
		specs = append(specs,
			tensorSpec{hf: ScoreName, shape: []int{1, c.Hidden}, buffer: noBuffer})
	}
	if !c.TieEmbeddings {
		specs = append(specs, tensorSpec{hf: "lm_head.weight", gguf: "output.weight",
			shape: []int{c.Vocab, c.Hidden}, buffer: c.Layers + 2})
	}
	return specs
}

// decoderIgnored names buffers of old files, which are recomputed, and a second copy of the
// embedding.
func decoderIgnored(c Config, name string) bool {
	return strings.HasSuffix(name, ".self_attn.rotary_emb.inv_freq") ||
		c.TieEmbeddings && name == "lm_head.weight"
}
