package tokenizer

import (
	"fmt"

	"github.com/oaif/oaif/oaif"
)

// none is the id of a token that is not there.
const none int32 = -1

// Tokenizer encodes and decodes text. It is safe for concurrent use.
type Tokenizer struct {
	file  *file  // what the source declares, in the fields of a tokenizer.json
	bytes []byte // the source itself when it was a tokenizer.json, else nil

	added     *addedVocabulary
	normalize normalizer
	pre       preTokenizer
	model     *bpe
	decode    decoder
	template  template

	tokens   []string // content by id, added tokens included
	exists   []bool   // false for an id that no token has
	bos, eos int32
}

// Encode returns the ids of text. Added tokens such as <|im_end|> that occur in the text are
// recognised; no begin or end token is added. An invalid UTF-8 byte is encoded as that byte where
// the vocabulary can.
func (t *Tokenizer) Encode(text string) []int32 {
	// About one token every four bytes of English.
	return t.appendIDs(make([]int32, 0, len(text)/4+4), text)
}

// EncodeSpecial returns the ids of text with the begin and end tokens that the source declares
// around it, like add_special_tokens in other libraries. For a source that declares none it equals
// Encode.
func (t *Tokenizer) EncodeSpecial(text string) []int32 {
	out := append(make([]int32, 0, len(text)/4+4), t.template.before...)
	out = t.appendIDs(out, text)
	return append(out, t.template.after...)
}

func (t *Tokenizer) appendIDs(out []int32, text string) []int32 {
	keep := func(id int32) { out = append(out, id) }
	word := func(p piece) { out = t.model.appendWord(out, p.text) }
	t.added.raw.split(piece{text, true}, func(p piece) {
		p.text = t.normalize(p.text)
		t.added.normalized.split(p, func(q piece) { t.pre(q, word) }, keep)
	}, keep)
	return out
}

// Decode returns the text of ids. Special tokens are left out unless keepSpecial. Bytes that are
// not valid UTF-8, for example a character cut in half, become U+FFFD. An id that no token has is
// an oaif.DataError.
func (t *Tokenizer) Decode(ids []int32, keepSpecial bool) (string, error) {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if !t.has(id) {
			return "", dataErrorf("token id %d is not in the vocabulary of %d", id, len(t.tokens))
		}
		if keepSpecial || !t.IsSpecial(id) {
			tokens = append(tokens, t.tokens[id])
		}
	}
	return t.decode.text(tokens), nil
}

// VocabSize returns the highest token id plus one, added tokens included. A model may have more
// rows than that: padding that no text encodes to.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// Token returns the content of the token with that id as it stands in the vocabulary (a byte-level
// vocabulary writes " the" as "Ġthe"; an added token that is looked for in normalized text stands
// normalized), or "" when there is none.
func (t *Tokenizer) Token(id int32) string {
	if !t.has(id) {
		return ""
	}
	return t.tokens[id]
}

// TokenID returns the id of the token with exactly that content, as the source declares it.
func (t *Tokenizer) TokenID(content string) (int32, bool) {
	if id, ok := t.added.ids[content]; ok {
		return id, true
	}
	id, ok := t.model.vocab[content]
	return id, ok
}

// IsSpecial reports whether id is a special (control) token, which Decode leaves out by default.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.added.special[id] }

// BOS returns the id of the begin token that the source names, and whether it names one.
func (t *Tokenizer) BOS() (int32, bool) { return t.bos, t.bos != none }

// EOS returns the id of the end token that the source names, and whether it names one. A model may
// have further ids that end a text; they are the model's configuration, not the tokenizer's.
func (t *Tokenizer) EOS() (int32, bool) { return t.eos, t.eos != none }

func (t *Tokenizer) has(id int32) bool {
	return id >= 0 && int(id) < len(t.tokens) && t.exists[id]
}

func dataErrorf(format string, args ...any) error {
	return oaif.DataError(fmt.Sprintf(format, args...))
}
