package model

import (
	"fmt"
	"math"

	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
)

// piece says where a Hugging Face tensor lies in the flat buffers: rows of a buffer, as a view.
type piece struct {
	name   string
	shape  []int
	buffer int
	offset int // elements
}

func (p piece) size() int {
	n := 1
	for _, d := range p.shape {
		n *= d
	}
	return n
}

// pieces lists every Hugging Face tensor of a llama-family model in buffer order. QKV and gate/up
// lie merged, so the Hugging Face names are row views into them.
func pieces(c weights.Config) []piece {
	var out []piece
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	for l := range c.Layers {
		at := 0
		add := func(name string, shape ...int) {
			p := piece{fmt.Sprintf("model.layers.%d.%s.weight", l, name), shape, l, at}
			out = append(out, p)
			at += p.size()
		}
		add("input_layernorm", c.Hidden)
		add("self_attn.q_proj", q, c.Hidden)
		add("self_attn.k_proj", kv, c.Hidden)
		add("self_attn.v_proj", kv, c.Hidden)
		add("self_attn.o_proj", c.Hidden, q)
		add("post_attention_layernorm", c.Hidden)
		add("mlp.gate_proj", c.FFN, c.Hidden)
		add("mlp.up_proj", c.FFN, c.Hidden)
		add("mlp.down_proj", c.Hidden, c.FFN)
	}
	out = append(out,
		piece{"model.embed_tokens.weight", []int{c.Vocab, c.Hidden}, c.Layers, 0},
		piece{"model.norm.weight", []int{c.Hidden}, c.Layers + 1, 0})
	if !c.TieEmbeddings {
		out = append(out, piece{"lm_head.weight", []int{c.Vocab, c.Hidden}, c.Layers + 2, 0})
	}
	return out
}

// arch translates a model file's settings. context bounds the rotary tables, in tokens.
func arch(c weights.Config) torch.Arch {
	inv := make([]float64, c.HeadDim/2)
	for i := range inv {
		inv[i] = math.Pow(c.RopeTheta, -2*float64(i)/float64(c.HeadDim))
		if c.RopeFactors != nil {
			inv[i] /= float64(c.RopeFactors[i])
		}
	}
	return torch.Arch{
		Layers: c.Layers, Hidden: c.Hidden, Heads: c.Heads, KVHeads: c.KVHeads,
		HeadDim: c.HeadDim, FFN: c.FFN,
		Vocab: c.Vocab, Context: c.Context, RMSEps: c.RMSEps, Tied: c.TieEmbeddings, InvFreq: inv,
	}
}
