package tokenizer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/tokenizer"
)

// plain is a tokenizer.json to break one part of at a time.
const plain = `{"added_tokens":[{"id":4,"content":"<s>","special":true}],"normalizer":null,` +
	`"pre_tokenizer":null,"post_processor":null,"decoder":null,` +
	`"model":{"type":"BPE","unk_token":null,"vocab":{"a":0,"b":1,"ab":2,"c":3},"merges":["a b"]}}`

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBadTokenizerJSONIsRefusedByName(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"BPE"`, `"Unigram"`, `model: type "Unigram"`},
		{`"type":"BPE"`, `"dropout":0.1`, "dropout"},
		{`"type":"BPE"`, `"end_of_word_suffix":"</w>"`, "end_of_word_suffix"},
		{`"type":"BPE"`, `"continuing_subword_prefix":"##"`, "continuing_subword_prefix"},
		{`"unk_token":null`, `"unk_token":"<unk>"`, `"<unk>"`},
		{`{"a":0,"b":1,"ab":2,"c":3}`, `{}`, "vocabulary is empty"},
		{`"c":3`, `"c":-3`, "-3"},
		{`"c":3`, `"c":2000000000`, "2000000000"},
		{`"c":3`, `"c":16000000`, "16000000, which is out of range"},
		{`"c":3`, `"c":2`, "same id 2"},
		{`"c":3`, `"c":99999999999`, "99999999999"},
		{`"a b"`, `"ab"`, `"ab"`},
		{`"a b"`, `["a","b","c"]`, "3 symbols"},
		{`"a b"`, `7`, "merge"},
		{`"a b"`, `"a c"`, `merge 0`},
		{`"id":4`, `"id":3`, "same id 3"},
		{`"<s>"`, `""`, "empty"},
		{`"<s>"`, `"c"`, `"c" has id 4 here and 3`},
		{`"special":true}`, `"special":true},{"id":5,"content":"<s>"}`, "two ids"},
		{`"normalizer":null`, `"normalizer":{"type":"Precompiled"}`,
			`normalizer: unknown type "Precompiled"`},
		{`"normalizer":null`,
			`"normalizer":{"type":"Sequence","normalizers":[{"type":"Lowercase"}]}`, `"Lowercase"`},
		{`"normalizer":null`, `"normalizer":{"type":"Replace","content":"b"}`, "Replace"},
		{`"normalizer":null`,
			`"normalizer":{"type":"Replace","pattern":{"Regex":"a+"}}`, "Replace"},
		{`"normalizer":null`, `"normalizer":{"type":"NFC","locale":"tr"}`, `"locale"`},
		{`"special":true`, `"special":true,"prefix":"x"`, `"prefix"`},
		{`"type":"BPE"`, `"type":"BPE","scores":[]`, `"scores"`},
		{`"normalizer":null`, `"normalizers":null`, `"normalizers"`},
		{`]}}`, `]}}{}`, "more follows"},
		{`"normalizer":null`, `"normalizer":7`, "normalizer: "},
		{`"pre_tokenizer":null`, `"pre_tokenizer":{"type":"Whitespace"}`,
			`pre_tokenizer: unknown type "Whitespace"`},
		{`"pre_tokenizer":null`, `"pre_tokenizer":{"type":"Split","behavior":"Isolated"}`,
			"without a pattern"},
		{`"pre_tokenizer":null`, split(`{"Regex":"(?<a"}`, "Isolated"), "(?<a"},
		{`"pre_tokenizer":null`, split(`{"String":""}`, "Isolated"), "empty string"},
		{`"pre_tokenizer":null`, split(`{"String":"x"}`, "Sideways"), `"Sideways"`},
		{`"pre_tokenizer":null`, `"pre_tokenizer":{"type":"Metaspace"}`, "replacement"},
		{`"pre_tokenizer":null`,
			`"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"last"}`, `"last"`},
		{`"pre_tokenizer":null`,
			`"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},` +
				`{"type":"Digits"}]}`, "not the last"},
		{`"post_processor":null`, `"post_processor":{"type":"BertProcessing"}`,
			`unknown type "BertProcessing"`},
		{`"post_processor":null`,
			template(`{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}`), `"<s>"`},
		{`"post_processor":null`,
			template(`{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}`), "77"},
		{`"post_processor":null`, template(``), "0 times"},
		{`"post_processor":null`, template(`{}`), "neither"},
		{`"decoder":null`, `"decoder":{"type":"Fuse","joiner":"-"}`, `"joiner"`},
		{`"pre_tokenizer":null`, `"pre_tokenizer":{"type":"Sequence","pretokenizers":` +
			`[{"type":"Digits","individual_digits":true,"group":3}]}`, `"group"`},
		{`"decoder":null`, `"decoder":{"type":"WordPiece"}`, `decoder: unknown type "WordPiece"`},
		{`"decoder":null`, `"decoder":{"type":"Sequence","decoders":[{"type":"CTC"}]}`, `"CTC"`},
		{`"decoder":null`, `"decoder":{"type":"Strip"}`, "Strip"},
		{`"model"`, `"modell"`, `"modell"`},
		{`]}}`, ``, "unexpected EOF"},
	} {
		if !strings.Contains(plain, c.old) {
			t.Fatalf("%q is not in the file", c.old)
		}
		path := write(t, "tokenizer.json", strings.Replace(plain, c.old, c.new, 1))
		_, err := tokenizer.FromJSON(path)
		if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), c.want) ||
			!strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q in it", c.new, err, c.want)
		}
	}
}

// What Oniguruma reads in one way and our engine in another must not be split at.
func TestAmbiguousPatternsAreRefused(t *testing.T) {
	for regex, want := range map[string]string{
		`[[:alpha:]]+`: "[:", ` ?[^(\s|[.,])]+`: "[.", `\w+`: `\w`, `\bx`: `\b`, `^a`: "^",
		`a$`: "$", `(?m:.)`: "(?m", `[a&&b]`: "&&", `(?<n>a)`: "(?<", `a\`: `\`,
	} {
		part := split(fmt.Sprintf(`{"Regex":%q}`, regex), "Isolated")
		path := write(t, "tokenizer.json", strings.Replace(plain, `"pre_tokenizer":null`, part, 1))
		_, err := tokenizer.FromJSON(path)
		want = fmt.Sprintf("agree on %q", want)
		if !errors.Is(err, oaif.ErrData) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", regex, err, want)
		}
	}
}

func split(pattern, behavior string) string {
	return `"pre_tokenizer":{"type":"Split","pattern":` + pattern + `,"behavior":"` + behavior +
		`"}`
}

func template(single string) string {
	return `"post_processor":{"type":"TemplateProcessing","single":[` + single +
		`],"special_tokens":{"x":{"ids":[77]}}}`
}

func TestMissingFileIsADataError(t *testing.T) {
	_, err := tokenizer.FromJSON(filepath.Join(t.TempDir(), "tokenizer.json"))
	if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), "tokenizer.json") {
		t.Error(err)
	}
}

func TestBeginAndEndComeFromTokenizerConfig(t *testing.T) {
	for _, c := range []struct {
		config   string
		bos, eos int32 // -1 for none
		want     string
	}{
		{`{"bos_token":"<s>","eos_token":{"content":"c","lstrip":false}}`, 4, 3, ""},
		{`{"bos_token":null,"eos_token":"<s>"}`, -1, 4, ""},
		{`{"bos_token":"<s>","eos_token":"<s>"}`, 4, 4, ""},
		{`{}`, -1, -1, ""},
		{`{"eos_token":"</s>"}`, 0, 0, `eos_token: token "</s>"`},
		{`{"bos_token":7}`, 0, 0, "tokenizer_config.json"},
		{`{`, 0, 0, "tokenizer_config.json"},
	} {
		path := write(t, "tokenizer.json", plain)
		config := filepath.Join(filepath.Dir(path), "tokenizer_config.json")
		if err := os.WriteFile(config, []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		tok, err := tokenizer.FromJSON(path)
		if c.want != "" {
			if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.config, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		bos, hasBOS := tok.BOS()
		eos, hasEOS := tok.EOS()
		if bos != c.bos || eos != c.eos || hasBOS != (c.bos >= 0) || hasEOS != (c.eos >= 0) {
			t.Errorf("%s: begin %d %v, end %d %v", c.config, bos, hasBOS, eos, hasEOS)
		}
	}
}
