package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// file has the fields of a tokenizer.json that decide ids and text. Components stay raw here, so
// that what is written is what was declared.
type file struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	Added         []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         fileModel       `json:"model"`
}

// fileModel is the "model" of a tokenizer.json.
type fileModel struct {
	Type         string           `json:"type"`
	Dropout      *float64         `json:"dropout"`
	UnkToken     *string          `json:"unk_token"`
	Prefix       *string          `json:"continuing_subword_prefix"`
	Suffix       *string          `json:"end_of_word_suffix"`
	FuseUnk      bool             `json:"fuse_unk"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
	Vocab        map[string]int32 `json:"vocab"`
	Merges       []merge          `json:"merges"`
}

// addedToken is one entry of "added_tokens".
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// merge is the two symbols that one BPE merge joins.
type merge struct{ left, right string }

// UnmarshalJSON accepts both forms in use: "a b" and ["a","b"].
func (m *merge) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		var pair []string
		if err := json.Unmarshal(b, &pair); err != nil {
			return err
		}
		if len(pair) != 2 {
			return dataErrorf("a merge has %d symbols, not 2", len(pair))
		}
		m.left, m.right = pair[0], pair[1]
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	var ok bool
	*m, ok = parseMerge(s)
	if !ok {
		return dataErrorf("merge %q is not two symbols with a space between", s)
	}
	return nil
}

// MarshalJSON writes the form that every version of the other libraries reads.
func (m merge) MarshalJSON() ([]byte, error) {
	if strings.Contains(m.left, " ") || strings.Contains(m.right, " ") {
		return marshal([]string{m.left, m.right})
	}
	return marshal(m.left + " " + m.right)
}

func parseMerge(s string) (merge, bool) {
	left, right, ok := strings.Cut(s, " ")
	return merge{left, right}, ok && left != "" && right != ""
}

// unmarshal is json.Unmarshal that refuses a field it does not know: it could change ids.
func unmarshal(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more follows the end of the JSON value")
	}
	return nil
}

// marshal is json.Marshal without escaping <, > and &, of which token contents are full.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
