package model

import (
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
		Vocab: c.Vocab, Context: c.Context, NormEps: c.NormEps, Tied: c.TieEmbeddings, InvFreq: inv,
	}
}
