package model

import "github.com/oaif/oaif/torch"

// Pass is a forward pass of the policy whose gradient is still to come.
type Pass struct {
	m     *Model
	b     batch
	tree  *torch.Tree
	tape  *torch.Tape
	head  *torch.Head
	Score []Scored
}

// ForwardPass scores the sequences with m's current weights and keeps what their gradient needs;
// segment is as in torch.NewTape. Close it. Device goroutine only.
func (m *Model) ForwardPass(seqs []Sequence, segment int) *Pass {
	p := &Pass{m: m, b: newBatch(seqs), tape: torch.NewTape(segment)}
	p.tree = torch.NewTree(m.Device(), p.b.Nodes)
	s := torch.NewScope()
	defer s.Close()
	p.scoreHidden(m.Forward(s, p.tree, p.tape))
	return p
}

// RecordedPass is ForwardPass without the forward pass: it takes the activations with which the
// sequences were sampled. which names each sequence's entry in the recording; last says that it is
// the recording's last pass, after which its activations are gone. Device goroutine only.
func (m *Model) RecordedPass(seqs []Sequence, rec *Recorded, which []int, last bool) *Pass {
	p := &Pass{m: m, b: newBatch(seqs)}
	p.tree = torch.NewTree(m.Device(), p.b.Nodes)
	source := make([]int64, len(p.b.Nodes.IDs))
	for i, rows := range p.b.Rows {
		for at, row := range rows {
			source[row] = rec.Rows[which[i]][at]
		}
	}
	s := torch.NewScope()
	defer s.Close()
	tape, hidden := rec.Recording.Tape(s, source, last)
	p.tape = tape
	p.scoreHidden(hidden)
	return p
}

func (p *Pass) scoreHidden(hidden *torch.Tensor) {
	lp, ent, head := p.m.LogprobsWithGrad(p.tape, hidden, p.b.rows, p.b.targets)
	p.head = head
	p.Score = p.b.scored(lp, ent)
}

// Backward adds to the model's gradients those of a loss with dL/d(summed log-prob of sequence i) =
// seed[i]. It uses up the pass. Device goroutine only.
func (p *Pass) Backward(seed []float32) {
	perToken := make([]float32, 0, len(p.b.targets))
	for i, n := range p.b.lens {
		for range n {
			perToken = append(perToken, seed[i])
		}
	}
	s := torch.NewScope()
	defer s.Close()
	p.m.Model.Backward(p.tree, p.tape, p.m.HeadBackward(s, p.head, perToken))
}

// Close frees the pass. Device goroutine only.
func (p *Pass) Close() {
	p.head.Close()
	p.tape.Close()
	p.tree.Close()
}

// Recorded is a recording of one round of sampling with the recorded row of every position of every
// sequence, prompt and completion together; a completion's last token was never fed to the model
// and has none.
type Recorded struct {
	*torch.Recording
	Rows [][]int64
}
