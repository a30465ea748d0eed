package model

import (
	"fmt"
	"math"

	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
)

// Reward is a frozen reward model on a device: it gives a text one number.
type Reward struct {
	model *Model
	norm  []float32 // weights of the final norm [Hidden], with its offset
	head  []float32 // weights.ScoreName [Hidden]
}

// LoadReward puts the weights of a model of weights.OpenReward on the device. dtype is the type of
// the arithmetic. Not for the device goroutine: it sends its work there.
func LoadReward(dev *torch.Device, file *weights.Model, dtype torch.DType) (*Reward, error) {
	if !file.Config().Reward {
		return nil, fmt.Errorf("model: %s was not opened as a reward model", file.Path())
	}
	r := &Reward{}
	var err error
	if r.norm, err = values(file, "model.norm.weight"); err != nil {
		return nil, err
	}
	if r.head, err = values(file, weights.ScoreName); err != nil {
		return nil, err
	}
	for i := range r.norm {
		r.norm[i] += float32(file.Config().NormOffset)
	}
	if r.model, err = Load(dev, file, dtype, false); err != nil {
		return nil, err
	}
	return r, nil
}

// values returns all weights of a tensor.
func values(file *weights.Model, name string) ([]float32, error) {
	t, err := file.Tensor(name)
	if err != nil {
		return nil, err
	}
	out := make([]float32, t.Len())
	return out, t.Float32(out)
}

// Device returns the device that the model is on.
func (r *Reward) Device() *torch.Device { return r.model.Device() }

// CheckIDs is Model's.
func (r *Reward) CheckIDs(what string, ids []int32) error { return r.model.CheckIDs(what, ids) }

// Close frees the model. Device goroutine only.
func (r *Reward) Close() { r.model.Close() }

// Scores returns the score of each text: as in transformers that of its last token that is not
// padding. Texts must not be empty. Device goroutine only.
func (r *Reward) Scores(texts [][]int32) []float64 {
	ends := make([][]int32, len(texts))
	for i, text := range texts {
		ends[i] = text[:r.end(text)]
	}
	p := Pack(ends)
	tree := torch.NewTree(r.Device(), p.Nodes)
	defer tree.Close()
	s := torch.NewScope()
	defer s.Close()
	hidden := r.model.Forward(s, tree, nil) // [N,H], before the final norm
	scores, state := make([]float64, len(texts)), make([]float32, len(r.head))
	for i, rows := range p.Rows {
		s.Narrow(hidden, 0, int(rows[len(rows)-1]), 1).Read(state)
		scores[i] = r.score(state)
	}
	return scores
}

// end returns how many of the ids count: all before the padding, or one where there is nothing
// else.
func (r *Reward) end(ids []int32) int {
	n := len(ids)
	for n > 1 && int(ids[n-1]) == r.model.Config.Pad {
		n--
	}
	return n
}

// score is the head's product with the state [Hidden] after the final RMSNorm (arXiv 1910.07467,
// equation 4), here in float64.
func (r *Reward) score(state []float32) float64 {
	square, sum := 0.0, 0.0
	for i, x := range state {
		square += float64(x) * float64(x)
		sum += float64(x) * float64(r.norm[i]) * float64(r.head[i])
	}
	return sum / math.Sqrt(square/float64(len(state))+r.model.Config.NormEps)
}
