package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedVocabulary finds the added tokens in a text before anything else sees it: first those that
// are looked for in the text as it is, then, in each segment between them, those looked for in the
// normalized segment.
type addedVocabulary struct {
	raw, normalized addedSet
	ids             map[string]int32 // every added token by its content
	// as it is found in a text, where normalizing changes the content
	found   map[int32]string
	special map[int32]bool
	// the contents of special tokens, the longest first
	specials []string
}

// addedSet is a set of added tokens to look for, by first byte, the longest first.
type addedSet map[byte][]addedToken

func newAddedVocabulary(
	list []addedToken, vocab map[string]int32, n normalizer,
) (*addedVocabulary, error) {
	v := &addedVocabulary{
		raw: addedSet{}, normalized: addedSet{}, ids: make(map[string]int32, len(list)),
		found: map[int32]string{}, special: map[int32]bool{},
	}
	for _, a := range list {
		if a.Content == "" {
			return nil, fmt.Errorf("token %d is empty", a.ID)
		}
		if id, ok := vocab[a.Content]; ok && id != a.ID {
			return nil, fmt.Errorf("token %q has id %d here and %d in the vocabulary",
				a.Content, a.ID, id)
		}
		if id, ok := v.ids[a.Content]; ok && id != a.ID {
			return nil, fmt.Errorf("token %q has two ids, %d and %d", a.Content, id, a.ID)
		}
		v.add(a, n)
	}
	v.raw.sort()
	v.normalized.sort()
	v.specials = v.contents(list)
	return v, nil
}

func (v *addedVocabulary) add(a addedToken, n normalizer) {
	v.ids[a.Content] = a.ID
	if a.Special {
		v.special[a.ID] = true
	}
	if !a.Normalized {
		v.raw.add(a)
		return
	}
	// A token normalized away is never found in a text.
	if c := n(a.Content); c != "" {
		a.Content = c
		v.found[a.ID] = c
		v.normalized.add(a)
	}
}

func (s addedSet) add(a addedToken) { s[a.Content[0]] = append(s[a.Content[0]], a) }

func (s addedSet) sort() {
	for _, list := range s {
		slices.SortStableFunc(list,
			func(a, b addedToken) int { return len(b.Content) - len(a.Content) })
	}
}

// at returns the longest token that s has at i.
func (s addedSet) at(text string, i int) *addedToken {
	list := s[text[i]]
	for k := range list {
		if strings.HasPrefix(text[i:], list[k].Content) {
			return &list[k]
		}
	}
	return nil
}

// split reports the text between tokens to segment and the tokens' ids to token, in order.
func (s addedSet) split(p piece, segment func(piece), token func(id int32)) {
	done := 0 // everything before it has been reported
	emit := func(to int) {
		if to > done {
			segment(piece{p.text[done:to], p.first && done == 0})
		}
	}
	for i := 0; i < len(p.text) && len(s) > 0; {
		a := s.at(p.text, i)
		if a == nil {
			i++
			continue
		}
		start, end := i, i+len(a.Content)
		i = end // a refused token is passed over whole, as the reference does
		if a.SingleWord && !standsAlone(p.text, start, end) {
			continue
		}
		if a.LStrip {
			start = len(strings.TrimRightFunc(p.text[:start], unicode.IsSpace))
		}
		if a.RStrip {
			end = len(p.text) - len(strings.TrimLeftFunc(p.text[end:], unicode.IsSpace))
		}
		emit(start)
		token(a.ID)
		done = end
	}
	emit(len(p.text))
}

// standsAlone reports whether text[start:end] touches no word character on either side.
func standsAlone(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return (start == 0 || !isWord(before)) && (end == len(text) || !isWord(after))
}
