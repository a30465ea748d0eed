package model

import (
	"github.com/oaif/oaif/torch"
)

// Sequence is a prompt and a completion to be scored: the completion's tokens only.
type Sequence struct {
	Prompt, Completion []int32
}

// Scored holds one sequence's results, each with one value per completion token, in nats.
type Scored struct {
	Logprobs []float32 // at temperature 1
	// Entropy is that of the distribution that the token was drawn from; nil where it was not
	// asked for.
	Entropy []float32
}

// Sum returns the log-prob of the whole completion; 0 for an empty one.
func (s Scored) Sum() float64 {
	sum := 0.0
	for _, l := range s.Logprobs {
		sum += float64(l)
	}
	return sum
}

// batch is a packed batch of sequences and the rows that predict their completions. The last token
// of a completion predicts nothing that is asked for, so it is not part of the batch.
type batch struct {
	Packed
	rows, targets []int64
	lens          []int // completion tokens of each sequence
}

func newBatch(seqs []Sequence) batch {
	flat := make([][]int32, len(seqs))
	for i, s := range seqs {
		fed := s.Completion[:max(0, len(s.Completion)-1)]
		flat[i] = append(append(make([]int32, 0, len(s.Prompt)+len(fed)), s.Prompt...), fed...)
	}
	b := batch{Packed: Pack(flat), lens: make([]int, len(seqs))}
	for i, s := range seqs {
		b.lens[i] = len(s.Completion)
		for k, id := range s.Completion {
			b.rows = append(b.rows, b.Rows[i][len(s.Prompt)+k-1])
			b.targets = append(b.targets, int64(id))
		}
	}
	return b
}

func (b batch) scored(logprobs, entropy []float32) []Scored {
	out := make([]Scored, len(b.lens))
	at := 0
	for i, n := range b.lens {
		out[i].Logprobs = logprobs[at : at+n]
		if entropy != nil {
			out[i].Entropy = entropy[at : at+n]
		}
		at += n
	}
	return out
}

// Score returns the log-probs of the sequences' completions, without entropies. Prompts must not be
// empty. Device goroutine only.
func (m *Model) Score(seqs []Sequence) []Scored {
	b := newBatch(seqs)
	tree := torch.NewTree(m.Device(), b.Nodes)
	defer tree.Close()
	s := torch.NewScope()
	defer s.Close()
	return b.scored(m.Logprobs(m.Forward(s, tree, nil), b.rows, b.targets, false))
}

// KL returns for each sequence and completion token the exact KL divergence in nats over the
// vocabulary of m's next-token distribution from ref's. Device goroutine only.
func (m *Model) KL(ref *Model, seqs []Sequence) (kl, entropy [][]float32) {
	b := newBatch(seqs)
	tree := torch.NewTree(m.Device(), b.Nodes)
	defer tree.Close()
	s := torch.NewScope()
	defer s.Close()
	k, e := m.Model.KL(m.Forward(s, tree, nil), ref.Model, ref.Forward(s, tree, nil), b.rows)
	for _, sc := range b.scored(k, e) {
		kl, entropy = append(kl, sc.Logprobs), append(entropy, sc.Entropy)
	}
	return kl, entropy
}

// NextLogprobs returns for each text the log-probs in nats of the candidate ids as its next token.
// Texts must not be empty. Device goroutine only.
func (m *Model) NextLogprobs(texts [][]int32, candidates []int32) [][]float64 {
	p := Pack(texts)
	tree := torch.NewTree(m.Device(), p.Nodes)
	defer tree.Close()
	s := torch.NewScope()
	defer s.Close()
	rows := make([]int64, len(texts))
	for i, r := range p.Rows {
		rows[i] = r[len(r)-1]
	}
	ids := make([]int64, len(candidates))
	for i, c := range candidates {
		ids[i] = int64(c)
	}
	flat := m.Model.NextLogprobs(m.Forward(s, tree, nil), rows, ids)
	out := make([][]float64, len(texts))
	for i := range out {
		out[i] = make([]float64, len(ids))
		for k := range ids {
			out[i][k] = float64(flat[i*len(ids)+k])
		}
	}
	return out
}
