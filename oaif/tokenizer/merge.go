package tokenizer

import "slices"

// shortWord is the number of symbols up to which looking at every pair after each merge is cheaper
// than keeping a heap.
const shortWord = 24

// mergeAll appends the ids left when no merge applies any more. The merge of lowest rank goes
// first, of equal ones the leftmost.
func (m *bpe) mergeAll(out, symbols []int32) []int32 {
	if len(symbols) <= shortWord {
		return append(out, m.mergeShort(symbols)...)
	}
	return m.mergeLong(out, symbols)
}

func (m *bpe) mergeShort(s []int32) []int32 {
	for {
		best, at := ^uint64(0), -1
		for i := 0; i+1 < len(s); i++ {
			if v, ok := m.merges[pairKey(s[i], s[i+1])]; ok && v < best {
				best, at = v, i
			}
		}
		if at < 0 {
			return s
		}
		s[at] = int32(uint32(best))
		s = slices.Delete(s, at+1, at+2)
	}
}

// link is one symbol of a long word in a doubly linked list; merged-away ones have id none.
type link struct{ id, prev, next int32 }

// candidate is a merge that was possible when it was queued.
type candidate struct {
	key         uint64 // rank<<32 | position of the left symbol
	joined      int32
	left, right int32 // the symbols' ids then
}

func (m *bpe) mergeLong(out, symbols []int32) []int32 {
	s := make([]link, len(symbols))
	for i, id := range symbols {
		s[i] = link{id, int32(i) - 1, int32(i) + 1}
	}
	s[len(s)-1].next = none
	var q mergeQueue
	queue := func(i int32) {
		if i == none || s[i].next == none {
			return
		}
		right := s[s[i].next].id
		if v, ok := m.merges[pairKey(s[i].id, right)]; ok {
			q.push(candidate{v&^0xffffffff | uint64(uint32(i)), int32(uint32(v)), s[i].id, right})
		}
	}
	for i := range s {
		queue(int32(i))
	}
	for len(q) > 0 {
		c := q.pop()
		i := int32(uint32(c.key))
		n := s[i].next
		if s[i].id != c.left || n == none || s[n].id != c.right {
			continue // one of the two has been merged since
		}
		s[i].id, s[i].next = c.joined, s[n].next
		s[n].id = none
		if s[i].next != none {
			s[s[i].next].prev = i
		}
		queue(i)
		queue(s[i].prev)
	}
	for i := int32(0); i != none; i = s[i].next {
		out = append(out, s[i].id)
	}
	return out
}

// mergeQueue is a binary heap with the lowest key first.
type mergeQueue []candidate

func (q *mergeQueue) push(c candidate) {
	h := append(*q, c)
	for i := len(h) - 1; i > 0; {
		p := (i - 1) / 2
		if h[p].key <= h[i].key {
			break
		}
		h[p], h[i] = h[i], h[p]
		i = p
	}
	*q = h
}

func (q *mergeQueue) pop() candidate {
	h := *q
	top := h[0]
	h[0] = h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; ; {
		k := 2*i + 1
		if k+1 < len(h) && h[k+1].key < h[k].key {
			k++
		}
		if k >= len(h) || h[i].key <= h[k].key {
			break
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
	*q = h
	return top
}
