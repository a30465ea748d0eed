package engine

import (
	"math"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
)

// reading is one prefill of prompts: the log-probs of their tokens, and one drawn token for those
// that want no more.
type reading struct {
	jobs   []*job
	packed model.Packed
	drawn  []int64 // the token of each job that draws one
	// The rows of the head: what follows which packed row.
	rows, targets []int64
	at            map[int64]int // packed row of a prompt's token -> its place in rows
	next          []int         // the place of each job's drawn token
}

// read scores jobs together and hands out their tokens. Those that draw more go on waiting for a
// slot.
func (e *Engine) read(jobs []*job) {
	if !e.device(jobs, func() { e.score(jobs) }) {
		return
	}
	for _, j := range jobs {
		if j.slotted() {
			e.mu.Lock()
			e.draws = append(e.draws, j)
			e.mu.Unlock()
			continue
		}
		finish := oaif.FinishLength
		if j.MaxNew > 0 {
			finish = e.finishOf(j)
		}
		j.end(finish, nil)
	}
}

// score does the work of read. Device goroutine only.
func (e *Engine) score(jobs []*job) {
	seqs, k := make([][]int32, len(jobs)), 0
	for i, j := range jobs {
		seqs[i], k = j.IDs, max(k, j.Top)
	}
	r := &reading{jobs: jobs, packed: model.Pack(seqs), drawn: make([]int64, len(jobs)),
		at: map[int64]int{}, next: make([]int, len(jobs))}
	tree := torch.NewTree(e.model.Device(), r.packed.Nodes)
	defer tree.Close()
	s := torch.NewScope()
	defer s.Close()
	hidden := e.model.Forward(s, tree, nil)
	e.counters.prefilled(len(r.packed.Nodes.IDs))
	e.drawOne(hidden, r)
	r.ask()
	if k == 0 {
		logprobs, _ := e.model.Logprobs(hidden, r.rows, r.targets, false)
		r.handOut(logprobs, nil, nil, 0)
		return
	}
	logprobs, ids, top := e.model.Top(hidden, r.rows, r.targets, k)
	r.handOut(logprobs, ids, top, k)
}

// drawOne draws the next token of the jobs that want one. Jobs with equal settings are drawn
// together.
func (e *Engine) drawOne(hidden *torch.Tensor, r *reading) {
	type manner struct {
		temperature, topP float64
		topK, minNew      int
	}
	groups := map[manner][]int{}
	for i, j := range r.jobs {
		if j.MaxNew == 1 {
			m := manner{j.Temperature, j.TopP, j.TopK, j.MinNew}
			groups[m] = append(groups[m], i)
		}
	}
	for _, group := range groups {
		rows, keys := make([]int64, len(group)), make([]uint64, len(group))
		for n, i := range group {
			rows[n], keys[n] = r.lastRow(i), r.jobs[i].key()
		}
		s := torch.NewScope()
		ids, _ := torch.Sample(e.model.Logits(s, hidden, rows),
			r.jobs[group[0]].sampling(e.end), keys, make([]int64, len(group)))
		s.Close()
		for n, i := range group {
			r.drawn[i] = ids[n]
		}
		e.counters.drawn.Add(int64(len(group)))
	}
}

func (r *reading) lastRow(i int) int64 {
	rows := r.packed.Rows[i]
	return rows[len(rows)-1]
}

// ask lists what the head is to say. A token that several prompts begin with is asked for once.
func (r *reading) ask() {
	add := func(row, target int64) int {
		r.rows, r.targets = append(r.rows, row), append(r.targets, target)
		return len(r.rows) - 1
	}
	for i, j := range r.jobs {
		rows := r.packed.Rows[i]
		for k := 1; j.Prompt && k < len(rows); k++ {
			if _, asked := r.at[rows[k]]; !asked {
				r.at[rows[k]] = add(rows[k-1], int64(j.IDs[k]))
			}
		}
		if j.MaxNew == 1 {
			r.next[i] = add(r.lastRow(i), r.drawn[i])
		}
	}
}

// handOut gives each job its tokens, given what the head said of every row: k likeliest ones.
func (r *reading) handOut(logprobs []float32, ids []int64, top []float32, k int) {
	token := func(at, n int) Token {
		return Token{int32(r.targets[at]), logprobs[at],
			ranked(ids[at*k:(at+1)*k], top[at*k:(at+1)*k], n)}
	}
	for i, j := range r.jobs {
		if j.Prompt {
			j.answer.tokens <- Token{ID: j.IDs[0], Logprob: float32(math.NaN())}
			for _, row := range r.packed.Rows[i][1:] {
				j.answer.tokens <- token(r.at[row], j.Top)
			}
		}
		if j.MaxNew == 1 {
			j.draw(token(r.next[i], j.Top))
		}
	}
}
