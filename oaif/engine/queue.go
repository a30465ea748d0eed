package engine

// One prefill takes so many prompts, and about so many tokens that no other prompt of it begins
// with: enough for the matrix products to run at full rate, few enough for those who wait for the
// next token of theirs.
const (
	batchPrompts = 64
	batchTokens  = 1024
)

// nextReads takes the jobs that are scored next, in order of arrival.
func (e *Engine) nextReads() []*job { return e.take(&e.reads, batchPrompts) }

// nextDraws takes the jobs that are admitted next: as many as there are free slots.
func (e *Engine) nextDraws() []*job { return e.take(&e.draws, e.opt.Slots-len(e.running)) }

func (e *Engine) take(from *[]*job, most int) []*job {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := fits((*from)[:min(most, len(*from))])
	jobs := (*from)[:n:n]
	if *from = (*from)[n:]; len(*from) == 0 {
		*from = nil // nor is the memory of those before it kept
	}
	e.count()
	return jobs
}

// fits returns how many of the jobs, from the first, make one prefill: at least one.
func fits(jobs []*job) int {
	tokens := 0
	for i, j := range jobs {
		tokens += len(j.IDs) - shared(j.IDs, jobs[:i])
		if i > 0 && tokens > batchTokens {
			return i
		}
	}
	return len(jobs)
}

// shared returns how many of the first tokens some other job begins with too.
func shared(ids []int32, with []*job) int {
	longest := 0
	for _, j := range with {
		n := 0
		for n < len(ids) && n < len(j.IDs) && ids[n] == j.IDs[n] {
			n++
		}
		longest = max(longest, n)
	}
	return longest
}
