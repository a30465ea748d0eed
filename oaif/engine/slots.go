package engine

import (
	"slices"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
)

// admit prefills jobs into free slots and hands out the first token of each.
func (e *Engine) admit(jobs []*job) {
	ok := e.decode(jobs, func() {
		if e.dec == nil {
			e.dec = torch.NewDecoder(e.model.Model, e.opt.Slots, e.opt.Length,
				torch.Sampling{TopP: 1, MaxNew: e.opt.Length - 1, EndTokens: e.end})
		}
		seqs, keys := make([][]int32, len(jobs)), make([]uint64, len(jobs))
		own := make([]torch.Sampling, len(jobs))
		for i, j := range jobs {
			seqs[i], keys[i], own[i] = j.IDs, j.key(), j.sampling(nil)
		}
		p := model.Pack(seqs)
		tree := torch.NewTree(e.model.Device(), p.Nodes)
		defer tree.Close()
		for i, slot := range e.dec.AdmitEach(tree, p.Rows, keys, own) {
			jobs[i].slot = slot
		}
		e.counters.prefilled(len(p.Nodes.IDs))
		e.handOut(jobs)
	})
	if ok {
		e.running = append(e.running, jobs...)
		e.leave()
	}
}

// step draws another token for every job in a slot.
func (e *Engine) step() {
	ok := e.decode(nil, func() {
		e.dec.Step(1)
		e.counters.steps.Add(1)
		e.handOut(e.running)
	})
	if ok {
		e.leave()
	}
}

// handOut reads the token that each of the jobs has just drawn. Device goroutine only.
func (e *Engine) handOut(jobs []*job) {
	slots, k := make([]int64, len(jobs)), 0
	for i, j := range jobs {
		slots[i], k = j.slot, max(k, j.Top)
	}
	ids, logprobs, topIDs, top := e.dec.Last(slots, k)
	for i, j := range jobs {
		j.draw(Token{int32(ids[i]), logprobs[i],
			ranked(topIDs[i*k:(i+1)*k], top[i*k:(i+1)*k], j.Top)})
	}
	e.counters.drawn.Add(int64(len(jobs)))
}

// ranked returns the first n of the likeliest tokens.
func ranked(ids []int64, logprobs []float32, n int) []Ranked {
	if n == 0 {
		return nil
	}
	out := make([]Ranked, n)
	for i := range out {
		out[i] = Ranked{int32(ids[i]), logprobs[i]}
	}
	return out
}

// leave ends the jobs that have drawn their last token.
func (e *Engine) leave() {
	var ended []int64
	ok := e.decode(nil, func() {
		ended = e.dec.Compact()
		for _, slot := range ended {
			e.dec.Release(slot)
		}
	})
	if !ok {
		return
	}
	e.running = slices.DeleteFunc(e.running, func(j *job) bool {
		if !slices.Contains(ended, j.slot) {
			return false
		}
		j.end(e.finishOf(j), nil)
		return true
	})
}

// finishOf says why a job ended that has drawn a token.
func (e *Engine) finishOf(j *job) oaif.Finish {
	if slices.Contains(e.opt.EOS, j.last) {
		return oaif.FinishEOS
	}
	return oaif.FinishLength
}
