package model

import "github.com/oaif/oaif/torch"

// Packed is a batch of token sequences in which every common prefix is stored, and computed, once:
// a prompt for both of its answers, and what all prompts of a batch begin with for all of them.
type Packed struct {
	Nodes torch.Nodes
	// Rows holds for each sequence the packed row of each of its tokens.
	Rows [][]int64
}

// Pack builds the prefix tree of the sequences, each at least one token long. Node order, and so
// the arithmetic, depends only on the sequences and their order.
func Pack(seqs [][]int32) Packed {
	p := Packed{Rows: make([][]int64, len(seqs))}
	all := make([]int, len(seqs))
	for i, s := range seqs {
		all[i] = i
		p.Rows[i] = make([]int64, 0, len(s))
	}
	p.split(seqs, all, 0, -1)
	return p
}

// split adds the subtree of the sequences group, which agree in their first depth tokens, under
// node parent.
func (p *Packed) split(seqs [][]int32, group []int, depth int, parent int64) {
	for _, branch := range branches(seqs, group, depth) {
		end := commonEnd(seqs, branch, depth)
		node := p.add(seqs[branch[0]][depth:end], depth, parent)
		first := p.Nodes.Start[node]
		for _, i := range branch {
			for r := range end - depth {
				p.Rows[i] = append(p.Rows[i], first+int64(r))
			}
		}
		p.split(seqs, branch, end, node)
	}
}

// branches groups the sequences longer than depth by their token at depth, in order of first
// appearance.
func branches(seqs [][]int32, group []int, depth int) [][]int {
	index := map[int32]int{}
	var out [][]int
	for _, i := range group {
		if len(seqs[i]) <= depth {
			continue
		}
		token := seqs[i][depth]
		k, seen := index[token]
		if !seen {
			k = len(out)
			index[token] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], i)
	}
	return out
}

// commonEnd returns the length of the longest prefix that all sequences of the branch share.
func commonEnd(seqs [][]int32, branch []int, depth int) int {
	first := seqs[branch[0]]
	end := len(first)
	for _, i := range branch[1:] {
		k := depth
		for k < end && k < len(seqs[i]) && seqs[i][k] == first[k] {
			k++
		}
		end = k
	}
	return end
}

func (p *Packed) add(tokens []int32, depth int, parent int64) int64 {
	n := &p.Nodes
	n.Start = append(n.Start, int64(len(n.IDs)))
	n.Len = append(n.Len, int64(len(tokens)))
	n.Parent = append(n.Parent, parent)
	for i, t := range tokens {
		n.IDs = append(n.IDs, int64(t))
		n.Positions = append(n.Positions, int64(depth+i))
	}
	return int64(len(n.Start) - 1)
}
