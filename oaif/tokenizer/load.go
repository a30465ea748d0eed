package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/oaif/oaif/oaif"
)

// FromJSON reads a tokenizer.json. The begin and end tokens are those named by a
// tokenizer_config.json in the same folder, if there is one. A file that is missing, malformed or
// uses a component this package does not know is an oaif.DataError naming the file and what is
// wrong.
func FromJSON(path string) (*Tokenizer, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, dataErrorf("cannot read the tokenizer: %v", err)
	}
	var f file
	if err := unmarshal(b, &f); err != nil {
		return nil, dataErrorf("%s: %v", path, err)
	}
	t, err := build(&f)
	if err != nil {
		return nil, dataErrorf("%s: %v", path, err)
	}
	t.bytes = b
	if err := t.readConfig(filepath.Join(filepath.Dir(path), "tokenizer_config.json")); err != nil {
		return nil, err
	}
	return t, nil
}

// build compiles what a source declares. Its errors name the field, not the file.
func build(f *file) (*Tokenizer, error) {
	t := &Tokenizer{file: f, bos: none, eos: none}
	var err error
	if t.normalize, err = newNormalizer(f.Normalizer); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	var byteLevel bool
	if t.pre, byteLevel, err = newPreTokenizer(f.PreTokenizer); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if t.model, err = newBPE(&f.Model, byteLevel); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if t.decode, err = newDecoder(f.Decoder); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	if t.added, err = newAddedVocabulary(f.Added, t.model.vocab, t.normalize); err != nil {
		return nil, fmt.Errorf("added_tokens: %w", err)
	}
	if err := t.fillTokens(); err != nil {
		return nil, err
	}
	if t.template, err = newTemplate(f.PostProcessor); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	for _, id := range slices.Concat(t.template.before, t.template.after) {
		if !t.has(id) {
			return nil, fmt.Errorf("post_processor: token id %d is not in the vocabulary", id)
		}
	}
	return t, nil
}

// maxVocab bounds ids: a damaged file must not make us allocate by its word alone. For the same
// reason no more than spareIDs and seven in eight of the ids may be left out.
const (
	maxVocab = 1 << 24
	spareIDs = 1 << 12
)

// fillTokens makes the table from id to content out of the vocabulary and the added tokens.
func (t *Tokenizer) fillTokens() error {
	limit := min(maxVocab, spareIDs+8*(len(t.model.vocab)+len(t.added.ids)))
	set := func(content string, id int32) error {
		if id < 0 || int(id) >= limit {
			return fmt.Errorf("token %q has id %d, which is out of range", content, id)
		}
		if n := int(id) + 1 - len(t.tokens); n > 0 {
			t.tokens = append(t.tokens, make([]string, n)...)
			t.exists = append(t.exists, make([]bool, n)...)
		}
		if t.exists[id] && t.tokens[id] != content {
			return fmt.Errorf("tokens %q and %q have the same id %d", t.tokens[id], content, id)
		}
		t.tokens[id], t.exists[id] = content, true
		return nil
	}
	for content, id := range t.model.vocab {
		if err := set(content, id); err != nil {
			return err
		}
	}
	for content, id := range t.added.ids {
		if err := set(content, id); err != nil {
			return err
		}
	}
	for id, content := range t.added.found {
		t.tokens[id] = content
	}
	return nil
}

// tokenName is a token named in tokenizer_config.json: a string, or an object with its content.
type tokenName string

func (n *tokenName) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return json.Unmarshal(b, (*string)(n))
	}
	var o struct{ Content string }
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	*n = tokenName(o.Content)
	return nil
}

// readConfig takes the begin and end tokens from a tokenizer_config.json; one that is not there
// names none.
func (t *Tokenizer) readConfig(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return oaif.DataError(err.Error())
	}
	var c struct {
		BOS tokenName `json:"bos_token"`
		EOS tokenName `json:"eos_token"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return dataErrorf("%s: %v", path, err)
	}
	if t.bos, err = t.named(c.BOS); err != nil {
		return dataErrorf("%s: bos_token: %v", path, err)
	}
	if t.eos, err = t.named(c.EOS); err != nil {
		return dataErrorf("%s: eos_token: %v", path, err)
	}
	return nil
}

// named returns the id of a token by name; the empty name is none.
func (t *Tokenizer) named(name tokenName) (int32, error) {
	if name == "" {
		return none, nil
	}
	id, ok := t.TokenID(string(name))
	if !ok {
		return none, fmt.Errorf("token %q is not in the vocabulary", string(name))
	}
	return id, nil
}
