package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe turns one word into ids. Everything but the cache is read-only after newBPE.
type bpe struct {
	vocab  map[string]int32
	merges map[uint64]uint64 // pairKey(left, right) -> rank<<32 | id of the joined symbol

	byteLevel    bool       // words are spelled in the byte-level alphabet
	bytesKnown   bool       // every byte of that alphabet is in the vocabulary
	byteSymbol   [256]int32 // id of each byte's letter in that alphabet, or none
	byteFallback bool       // characters not in the vocabulary become <0xXX> tokens
	byteToken    [256]int32 // id of each <0xXX>, or none
	// a word that is in the vocabulary is that token, whatever the merges say
	ignoreMerges bool
	unk          int32 // stands for a symbol that is not in the vocabulary; none drops it
	fuseUnk      bool  // several such symbols in a row become one unk

	cache wordCache
}

func pairKey(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

func newBPE(f *fileModel, byteLevel bool) (*bpe, error) {
	switch {
	case f.Type != "" && f.Type != "BPE":
		return nil, fmt.Errorf("type %q is not supported, only BPE", f.Type)
	case len(f.Vocab) == 0:
		return nil, errors.New("the vocabulary is empty")
	case f.Dropout != nil && *f.Dropout != 0:
		return nil, errors.New("dropout would make the ids random")
	case f.Prefix != nil && *f.Prefix != "":
		return nil, errors.New("continuing_subword_prefix is not supported")
	case f.Suffix != nil && *f.Suffix != "":
		return nil, errors.New("end_of_word_suffix is not supported")
	}
	m := &bpe{
		vocab: f.Vocab, byteLevel: byteLevel, byteFallback: f.ByteFallback,
		ignoreMerges: f.IgnoreMerges, unk: none, fuseUnk: f.FuseUnk,
	}
	if f.UnkToken != nil {
		id, ok := f.Vocab[*f.UnkToken]
		if !ok {
			return nil, fmt.Errorf("unk_token %q is not in the vocabulary", *f.UnkToken)
		}
		m.unk = id
	}
	m.findBytes()
	return m, m.addMerges(f.Merges)
}

func (m *bpe) findBytes() {
	m.bytesKnown = true
	for b := range 256 {
		m.byteSymbol[b], m.byteToken[b] = none, none
		if id, ok := m.vocab[string(byteLetter[b])]; ok {
			m.byteSymbol[b] = id
		} else {
			m.bytesKnown = false
		}
		if id, ok := m.vocab[fmt.Sprintf("<0x%02X>", b)]; ok {
			m.byteToken[b] = id
		}
	}
}

func (m *bpe) addMerges(list []merge) error {
	m.merges = make(map[uint64]uint64, len(list))
	for rank, p := range list {
		left, ok1 := m.vocab[p.left]
		right, ok2 := m.vocab[p.right]
		joined, ok3 := m.vocab[p.left+p.right]
		if !ok1 || !ok2 || !ok3 {
			return fmt.Errorf("merge %d (%q and %q) is not in the vocabulary", rank,
				p.left, p.right)
		}
		m.merges[pairKey(left, right)] = uint64(rank)<<32 | uint64(uint32(joined))
	}
	return nil
}

// appendWord appends the ids of one word.
func (m *bpe) appendWord(out []int32, word string) []int32 {
	if ids, ok := m.cache.get(word); ok {
		return append(out, ids...)
	}
	n := len(out)
	out = m.encodeWord(out, word)
	m.cache.put(word, out[n:])
	return out
}

func (m *bpe) encodeWord(out []int32, word string) []int32 {
	if m.ignoreMerges {
		if id, ok := m.vocab[m.spell(word)]; ok {
			return append(out, id)
		}
	}
	return m.mergeAll(out, m.symbols(word))
}

// spell writes a word as the vocabulary does.
func (m *bpe) spell(word string) string {
	if !m.byteLevel {
		return word
	}
	var b strings.Builder
	for i := range len(word) {
		b.WriteRune(byteLetter[word[i]])
	}
	return b.String()
}

// symbols returns the ids of the word's characters, or of its bytes in a byte-level vocabulary.
func (m *bpe) symbols(word string) []int32 {
	out := make([]int32, 0, len(word))
	if m.byteLevel && m.bytesKnown {
		for i := range len(word) {
			out = append(out, m.byteSymbol[word[i]])
		}
		return out
	}
	word = m.spell(word)
	unks := 0 // unknown characters seen and not yet written
	flush := func() {
		for ; unks > 0; unks-- {
			out = append(out, m.unk)
		}
	}
	for i := 0; i < len(word); {
		_, n := utf8.DecodeRuneInString(word[i:])
		ch := word[i : i+n]
		i += n
		if id, ok := m.vocab[ch]; ok {
			flush()
			out = append(out, id)
		} else if m.byteFallback && m.hasBytes(ch) {
			// The reference writes a waiting unk after these bytes, not before: so do we.
			for k := range n {
				out = append(out, m.byteToken[ch[k]])
			}
		} else if m.unk != none && !(m.fuseUnk && unks > 0) {
			flush()
			unks = 1
		}
	}
	flush()
	return out
}

// hasBytes reports whether every byte of ch has a <0xXX> token.
func (m *bpe) hasBytes(ch string) bool {
	for i := range len(ch) {
		if m.byteToken[ch[i]] == none {
			return false
		}
	}
	return true
}
