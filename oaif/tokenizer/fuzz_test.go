package tokenizer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/fuzztest"
	"github.com/oaif/oaif/oaif/tokenizer"
)

// sequenceOf is a normalizer of n equal steps.
func sequenceOf(n int, step string) string {
	return `"normalizer":{"type":"Sequence","normalizers":[` +
		strings.Repeat(step+",", n-1) + step + `]}`
}

// TestGrowthIsRefused: a few bytes of a component cannot ask for much more.
func TestGrowthIsRefused(t *testing.T) {
	double := `{"type":"Replace","pattern":{"String":"s"},"content":"ss"}`
	ids := `"special_tokens":{"x":{"ids":[` + strings.Repeat("0,", 99) + `0]}}}`
	for _, c := range []struct{ old, new, want string }{
		{`"normalizer":null`, sequenceOf(30, double), "normalizer: type \"Sequence\" makes a text"},
		{`"normalizer":null`, sequenceOf(30000, `{}`), "of 90035 bytes"},
		{`"normalizer":null`, `"normalizer":{"type":"Prepend","prepend":"` +
			strings.Repeat("x", 300) + `"}`, "normalizer: type \"Prepend\" makes a text"},
		{`"pre_tokenizer":null`, `"pre_tokenizer":{"type":"Metaspace","replacement":"` +
			strings.Repeat("x", 300) + `"}`, "pre_tokenizer: type \"Metaspace\" makes a text"},
		{`"post_processor":null`, `"post_processor":{"type":"TemplateProcessing","single":[` +
			strings.Repeat(`{"SpecialToken":{"id":"x"}},`, 3) + `{"Sequence":{"id":"A"}}],` + ids,
			"post_processor: type \"TemplateProcessing\" makes a text"},
	} {
		path := write(t, "tokenizer.json", strings.Replace(plain, c.old, c.new, 1))
		_, err := tokenizer.FromJSON(path)
		fuzztest.OneLine(t, err, oaif.ErrData)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: %v, want %q in it", c.new, err, c.want)
		}
	}
}

// TestManyAddedTokens: reading them takes memory in proportion to their number, and work: they were
// sorted again for each of them once.
func TestManyAddedTokens(t *testing.T) {
	var list strings.Builder
	for i := range 50000 {
		fmt.Fprintf(&list, `,{"id":%d,"content":"<%d>"}`, 5+i, i)
	}
	text := strings.Replace(plain, `"special":true}]`, `"special":true}`+list.String()+`]`, 1)
	path := write(t, "tokenizer.json", text)
	fuzztest.Memory(t, len(text), 64, func() {
		if _, err := tokenizer.FromJSON(path); err != nil {
			t.Error(err)
		}
	})
}

// FuzzTokenizer: a folder's tokenizer is refused in one line, or every text has ids that it knows.
func FuzzTokenizer(f *testing.F) {
	found, err := filepath.Glob("testdata/*/tokenizer.json")
	if err != nil || len(found) == 0 {
		f.Fatal(found, err)
	}
	for _, path := range found {
		f.Add(string(readFile(f, path)), "{}", "Don't  <s> é 123\n")
	}
	f.Add(plain, `{"bos_token":"<s>","eos_token":{"content":"c"}}`, "abc<s>ab")
	for _, c := range [][2]string{
		{`"c":3`, `"c\n":4103`}, {`"c":3`, `"c":16777215`}, {`"BPE"`, `"B\u001bPE"`},
		{`"normalizer":null`, sequenceOf(8, `{"type":"Prepend","prepend":"x"}`)},
		{`"normalizer":null`, sequenceOf(2, `{"type":"NFKC"}`)},
		{`"pre_tokenizer":null`, split(`{"Regex":"\\s+(?!\\S)|(a|b)"}`, "MergedWithNext")},
		{`"a b"`, `["a", "b"]`}, {`"merges":[`, `"byte_fallback":true,"merges":[null,`},
	} {
		f.Add(strings.Replace(plain, c[0], c[1], 1), `{"bos_token":"x\ny"}`, "ab c\xff")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, config, prompt string) {
		path := filepath.Join(dir, "tokenizer.json")
		err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.WriteFile(
			filepath.Join(dir, "tokenizer_config.json"), []byte(config), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		var tok *tokenizer.Tokenizer
		fuzztest.Memory(t, len(text)+len(config), 512, func() {
			tok, err = tokenizer.FromJSON(path)
		})
		fuzztest.OneLine(t, err, oaif.ErrData)
		if err == nil {
			// Patterns of the file's own may take exponential time.
			checkIDs(t, tok, prompt[:min(len(prompt), 24)])
		}
	})
}

func checkIDs(t *testing.T, tok *tokenizer.Tokenizer, prompt string) {
	t.Helper()
	var ids []int32
	fuzztest.Memory(t, len(prompt)+1, 1<<15, func() { ids = tok.Encode(prompt) })
	if again := tok.Encode(prompt); !slices.Equal(ids, again) {
		t.Errorf("%q became %d, then %d", prompt, ids, again)
	}
	for _, id := range append(ids, tok.EncodeSpecial(prompt)...) {
		if id < 0 || int(id) >= tok.VocabSize() {
			t.Fatalf("%q has id %d of %d", prompt, id, tok.VocabSize())
		}
	}
	if _, err := tok.Decode(ids, true); err != nil {
		t.Errorf("%q: %v", prompt, err)
	}
}
