package tokenizer_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/tokenizer"
)

func TestSmolLM2Basics(t *testing.T) {
	tok := smolTokenizer(t)
	bos, _ := tok.BOS()
	eos, _ := tok.EOS()
	if tok.VocabSize() != 49152 || bos != 1 || eos != 2 || !tok.IsSpecial(0) || tok.IsSpecial(17) {
		t.Errorf("size %d, begin %d, end %d", tok.VocabSize(), bos, eos)
	}
	// The annotators ask for the log-probs of these: each must be one token.
	for _, word := range []string{" positive", " negative", "1", "2", " Yes", " No"} {
		if ids := tok.Encode(word); len(ids) != 1 {
			t.Errorf("%q is %d tokens", word, len(ids))
		}
	}
}

func TestIDsOutOfRangeAreRefused(t *testing.T) {
	tok := load(t, write(t, "tokenizer.json", strings.Replace(plain, `"id":4`, `"id":6`, 1)))
	if tok.VocabSize() != 7 {
		t.Errorf("size %d", tok.VocabSize())
	}
	for _, id := range []int32{-1, 4, 5, 7, 1 << 30, -1 << 31} { // no token has 4 or 5
		if text, err := tok.Decode([]int32{0, id}, true); !errors.Is(err, oaif.ErrData) ||
			text != "" {
			t.Errorf("%d decodes to %q, %v", id, text, err)
		}
		if tok.Token(id) != "" || tok.IsSpecial(id) {
			t.Errorf("%d is a token", id)
		}
	}
	if _, ok := tok.TokenID("d"); ok {
		t.Error("d is a token")
	}
}

func TestEmpty(t *testing.T) {
	tok := load(t, "testdata/llama3/tokenizer.json")
	if ids := tok.Encode(""); len(ids) != 0 {
		t.Errorf("%v", ids)
	}
	if ids := tok.EncodeSpecial(""); len(ids) != 1 {
		t.Errorf("%v", ids)
	}
	if text, err := tok.Decode(nil, false); text != "" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// Many goroutines encode the same words for the first time; the race detector watches.
func TestEncodeIsSafeForConcurrentUse(t *testing.T) {
	lines := readGolden(t, "testdata/qwen2/golden.jsonl")
	tok := load(t, "testdata/qwen2/tokenizer.json")
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(lines)) {
				if g := lines[i]; g.Text != nil && !slices.Equal(tok.Encode(*g.Text), g.IDs) {
					t.Errorf("line %d", i+1)
				}
			}
		})
	}
	wg.Wait()
}

// A result must stay the caller's own: changing it must not change what the cache gives next time.
func TestEncodeReturnsItsOwnSlice(t *testing.T) {
	tok := load(t, "testdata/llama3/tokenizer.json")
	ids := tok.Encode("hello")
	want := slices.Clone(ids)
	for i := range ids {
		ids[i] = -7
	}
	if got := tok.Encode("hello"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestWriteConfigNamesTheTokens(t *testing.T) {
	dir := t.TempDir()
	tok := fromGGUF(t, smallGGUF(t, "smollm"))
	if err := tok.WriteJSON(filepath.Join(dir, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tokenizer_config.json")
	if err := tok.WriteConfig(path, "{{ '<|begin|>' }}"); err != nil {
		t.Fatal(err)
	}
	const want = `{"tokenizer_class":"PreTrainedTokenizerFast","bos_token":"<|begin|>",` +
		`"eos_token":"<|end|>","clean_up_tokenization_spaces":false,` +
		`"chat_template":"{{ '<|begin|>' }}"}` + "\n"
	if got := string(readFile(t, path)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	again := load(t, filepath.Join(dir, "tokenizer.json"))
	bos, _ := again.BOS()
	eos, _ := again.EOS()
	if wantBOS, _ := tok.BOS(); bos != wantBOS || eos != wantBOS+1 {
		t.Errorf("begin %d, end %d", bos, eos)
	}
}

func TestWriteJSONLeavesNothingBehind(t *testing.T) {
	tok := load(t, "testdata/llama3/tokenizer.json")
	missing := filepath.Join(t.TempDir(), "no", "tokenizer.json")
	if err := tok.WriteJSON(missing); !errors.Is(err, oaif.ErrData) {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tokenizer.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := tok.WriteJSON(filepath.Join(dir, "tokenizer.json")); !errors.Is(err, oaif.ErrData) {
		t.Error(err)
	}
	err := tok.WriteConfig(filepath.Join(dir, "tokenizer.json"), "")
	if !errors.Is(err, oaif.ErrData) {
		t.Error(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}

// In a byte-level vocabulary any bytes come back, whatever the split makes of them.
func FuzzByteLevelKeepsEveryByte(f *testing.F) {
	var toks []*tokenizer.Tokenizer
	for _, dir := range []string{
		"llama3", "gguf_gpt-4o", "gguf_tekken", "gguf_qwen2", "gguf_smollm",
	} {
		toks = append(toks, load(f, filepath.Join("testdata", dir, "tokenizer.json")))
	}
	for _, s := range []string{
		"", "a\xffb", "\xe4\xb8", "\xf0\x9f\x98", "it's\r\n  12345 é\u0301", "<|end|>x", "\xc0\x80",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, tok := range toks[:3] { // NFC and unknown bytes change texts on purpose
			var b strings.Builder
			for _, id := range tok.Encode(s) {
				b.WriteString(tok.Token(id))
			}
			if got := latin(b.String()); got != s {
				t.Errorf("%q comes back as %q", s, got)
			}
		}
		for _, tok := range toks {
			text, err := tok.Decode(tok.Encode(s), true)
			if err != nil || !utf8.ValidString(text) {
				t.Errorf("%q decodes to %q, %v", s, text, err)
			}
		}
	})
}

// latin reads the byte-level alphabet: printable Latin-1 stands for itself, the rest follows from
// U+0100 on.
func latin(s string) string {
	var rest []byte
	for b := range 256 {
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			rest = append(rest, byte(b))
		}
	}
	var out []byte
	for _, r := range s {
		if r >= 0x100 && int(r-0x100) < len(rest) {
			out = append(out, rest[r-0x100])
		} else {
			out = append(out, byte(r))
		}
	}
	return string(out)
}

// Patterns without a scanner of their own go through a regular expression engine, which must
// survive bytes that are no characters, and give back every byte too.
func FuzzRegexSplit(f *testing.F) {
	tok := load(f, "testdata/splits/tokenizer.json")
	for _, s := range []string{
		"a\xff\xffb 12\n\n", "\xf0\x9f\x98 x", "one. two!\xe4", "\x80\x80é",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b strings.Builder
		for _, id := range tok.Encode(s) {
			b.WriteString(tok.Token(id))
		}
		want := s
		if strings.Contains(s, "  ") {
			want = "" // two spaces are removed by this pipeline, where they are is not asked here
		}
		if got := latin(b.String()); want != "" && got != want {
			t.Errorf("%q comes back as %q", s, got)
		}
	})
}
