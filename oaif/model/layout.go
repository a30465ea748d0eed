package model

import (
	"cmp"
	"math"
	"slices"

	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
)

// piece says where a Hugging Face tensor lies in the flat buffers.
type piece struct {
	weights.Piece
	offset int // elements
}

func (p piece) size() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// inPlace reorders the rows of a tensor as the buffer has them, or back into the tensor's order.
func (p piece) inPlace(values []float32, back bool) {
	if p.Place == nil {
		return
	}
	rows := p.Shape[0]
	width := len(values) / rows
	from := slices.Clone(values)
	for r := range rows {
		to := p.Place(r)
		if back {
			copy(values[r*width:(r+1)*width], from[to*width:])
		} else {
			copy(values[to*width:(to+1)*width], from[r*width:])
		}
	}
}

// pieces lists every Hugging Face tensor of a model in buffer order.
func pieces(c weights.Config) ([]piece, error) {
	layout, err := weights.Layout(c)
	if err != nil {
		return nil, err
	}
	out := make([]piece, len(layout))
	next := make([]int, c.Layers+3)
	for i, l := range layout {
		out[i] = piece{l, next[l.Buffer]}
		next[l.Buffer] += out[i].size()
	}
	return out, nil
}

// arch translates a model file's settings.
func arch(c weights.Config) torch.Arch {
	a := torch.Arch{
		Layers: c.Layers, Hidden: c.Hidden, Heads: c.Heads, KVHeads: c.KVHeads,
		HeadDim: c.HeadDim, FFN: c.FFN, Vocab: c.Vocab, Context: c.Context,
		NormEps: c.NormEps, Tied: c.TieEmbeddings,
		LayerNorm: c.LayerNorm, QKNorm: c.QKNorm, PostNorms: c.PostNorms, Parallel: c.Parallel,
		Activation: activations[c.Activation], Ungated: c.Ungated,
		QKVBias: c.QKVBias, OutBias: c.OutBias, MLPBias: c.MLPBias,
		RotaryDim: c.RotaryDim, NormOffset: c.NormOffset, EmbedScale: c.EmbedScale,
		QueryScale: c.QueryScale, AttentionCap: c.AttentionCap, LogitCap: c.LogitCap,
		Windows: c.Windows,
	}
	rotary := cmp.Or(c.RotaryDim, c.HeadDim)
	a.Ropes = []torch.Rope{{
		InvFreq:   frequencies(rotary, c.RopeTheta, c.RopeFactors),
		Magnitude: cmp.Or(c.RopeMagnitude, 1),
	}}
	if c.LocalRopeTheta != 0 {
		a.Ropes = append(a.Ropes,
			torch.Rope{InvFreq: frequencies(rotary, c.LocalRopeTheta, nil), Magnitude: 1})
		a.Tables = make([]int, c.Layers)
		for i, w := range c.Windows {
			if w > 0 {
				a.Tables[i] = 1
			}
		}
	}
	return a
}

var activations = map[weights.Activation]torch.Activation{
	weights.SiLU: torch.SiLU, weights.GELU: torch.GELU, weights.GELUTanh: torch.GELUTanh,
}

// frequencies returns theta^(-2i/dim) for dim/2 pairs, divided by factors where there are some.
func frequencies(dim int, theta float64, factors []float32) []float64 {
	inv := make([]float64, dim/2)
	for i := range inv {
		inv[i] = math.Pow(theta, -2*float64(i)/float64(dim))
		if factors != nil {
			inv[i] /= float64(factors[i])
		}
	}
	return inv
}
