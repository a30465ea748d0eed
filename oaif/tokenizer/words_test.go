package tokenizer

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// words.jsonl has the lengths of the words that the reference's regular expressions make of a text;
// qwen2 is left out where it equals llama3. See testdata/golden.py.
func TestScannersSplitAsTheReference(t *testing.T) {
	b, err := os.ReadFile("testdata/words.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var g struct {
			Text                string
			GPT2, Llama3, Qwen2 []int
		}
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatal(err)
		}
		if g.Qwen2 == nil {
			g.Qwen2 = g.Llama3
		}
		for _, c := range []struct {
			name, pattern string
			want          []int
		}{{"gpt2", patternGPT2, g.GPT2}, {"llama3", patternLlama3, g.Llama3},
			{"qwen2", patternQwen2, g.Qwen2}} {
			scan, err := newScanner(&pattern{Regex: &c.pattern})
			if err != nil {
				t.Fatal(err)
			}
			if got := lengths(scan, g.Text); !slices.Equal(got, c.want) {
				t.Errorf("%s splits %q into %v, want %v", c.name, g.Text, got, c.want)
			}
		}
	}
}

// lengths also checks that the matches leave no gap.
func lengths(scan scanner, s string) []int {
	var out []int
	at := 0
	scan(s, func(start, end int) {
		if start != at {
			out = append(out, -1)
		}
		out = append(out, end-start)
		at = end
	})
	return out
}

// The regular expression engine is what unknown patterns get; on a known one it must agree with the
// scanner.
func TestRegexAgreesWithTheScanner(t *testing.T) {
	re, err := scanRegex(patternGPT2)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"it's  12 o'clock\n\n  now ", "é\u0301 x²y 你好 ١٢", "a\u00a0\u2003b", "",
	} {
		if got, want := lengths(re, s), lengths(scanGPT2, s); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

// Both ways of merging must give the same symbols for any word.
func TestShortAndLongMergesAgree(t *testing.T) {
	tok, err := FromJSON("testdata/llama3/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	merged := 0
	for range 3000 {
		word := make([]byte, 1+rng.IntN(60))
		for i := range word {
			word[i] = "etaoinshrdlu th"[rng.IntN(15)]
		}
		symbols := tok.model.symbols(string(word))
		long := tok.model.mergeLong(nil, symbols)
		merged += len(symbols) - len(long)
		if short := tok.model.mergeShort(slices.Clone(symbols)); !slices.Equal(short, long) {
			t.Fatalf("%q: %v short, %v long", word, short, long)
		}
	}
	if merged < 5000 {
		t.Errorf("only %d merges were tried", merged)
	}
}

// The parts are those of the Unicode standard's table of maximal subparts (3-8) and its neighbours.
func TestInvalidUTF8BecomesOneMarkAPart(t *testing.T) {
	for in, want := range map[string]string{
		"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82A": "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA",
		"\xed\xa0\x80\xed\xbf\xbfA":         "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA",
		"\xf4\x91\x92\x93\xff A":            "\ufffd\ufffd\ufffd\ufffd\ufffd A",
		"\xe1\x80\xe2\xf0\x91\x92\xf1\xbfA": "\ufffd\ufffd\ufffd\ufffdA",
		"\xf0\x9f\x98":                      "\ufffd",
		"\xe4\xb8é\ufffd":                   "\ufffdé\ufffd",
		"\x80":                              "\ufffd",
		"":                                  "",
	} {
		if got := ValidUTF8([]byte(in)); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}
