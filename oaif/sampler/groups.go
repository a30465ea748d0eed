package sampler

import "github.com/oaif/oaif/oaif"

// groups collects completions by prompt as they end.
type groups struct {
	size int // completions a group
	all  []oaif.Group
	left []int              // completions that have not ended, by group
	told func([]oaif.Group) // given the groups that are complete; nil: nobody is
}

func newGroups(prompts []*oaif.Prompt, size int, told func([]oaif.Group)) *groups {
	g := &groups{size, make([]oaif.Group, len(prompts)), make([]int, len(prompts)), told}
	times := map[int]int{} // a prompt that occurs again in a step draws with noise of its own
	for i, p := range prompts {
		g.all[i] = oaif.Group{Prompt: p, Place: i, First: size * times[p.Index],
			Answers: make([]oaif.Completion, size)}
		g.left[i] = size
		times[p.Index]++
	}
	return g
}

// requests asks for all completions, group after group.
func (g *groups) requests() []Request {
	reqs := make([]Request, 0, g.size*len(g.all))
	for _, group := range g.all {
		for i := range g.size {
			reqs = append(reqs, Request{group.Prompt, group.First + i})
		}
	}
	return reqs
}

// add takes the requests that have ended from among all completions.
func (g *groups) add(ended []int, out []oaif.Completion) {
	var complete []oaif.Group
	for _, i := range ended {
		at := i / g.size
		g.all[at].Answers[i%g.size] = out[i]
		if g.left[at]--; g.left[at] == 0 {
			complete = append(complete, g.all[at])
		}
	}
	if g.told != nil && len(complete) > 0 {
		g.told(complete)
	}
}
