package tokenizer_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/paritytest"
	"github.com/oaif/oaif/oaif/tokenizer"
)

// Tokenizers built like those of the model families answer as the reference does on thousands of
// texts; see testdata/families.py. TOKENIZERS names a folder of further ones, each a folder with a
// tokenizer.json and the digests.txt that the script makes of it.
func TestFamiliesAnswerAsTheReference(t *testing.T) {
	texts := familyTexts(t)
	folders, err := filepath.Glob("testdata/families/*/tokenizer.json")
	if err != nil || len(folders) < 11 {
		t.Fatalf("%d families, %v", len(folders), err)
	}
	if more := os.Getenv("TOKENIZERS"); more != "" {
		found, err := filepath.Glob(filepath.Join(more, "*", "tokenizer.json"))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no tokenizers, %v", more, err)
		}
		folders = append(folders, found...)
	}
	for _, path := range folders {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			dir := filepath.Dir(path)
			wrong := compare(t, load(t, path), texts, filepath.Join(dir, "digests.txt"))
			paritytest.Row(t, map[string]any{
				"tokenizer": filepath.Base(dir), "texts": len(texts), "wrong": wrong,
			})
		})
	}
}

func familyTexts(t *testing.T) (texts []string) {
	t.Helper()
	for line := range bytes.Lines(readFile(t, "testdata/families/texts.jsonl")) {
		var text string
		if err := json.Unmarshal(line, &text); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	return texts
}

func compare(t *testing.T, tok *tokenizer.Tokenizer, texts []string, path string) (wrong int) {
	want := readDigests(t, path, len(texts))
	for i, text := range texts {
		answer := answerOf(t, tok, text)
		if digest(answer) == want[i] {
			continue
		}
		if wrong++; wrong <= 5 {
			t.Errorf("text %d: %q: not the reference's answer: %q", i+1, text, answer)
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d texts differ", wrong, len(texts))
	}
	return wrong
}

// readDigests returns the digests of a file, three digits each.
func readDigests(t *testing.T, path string, texts int) (out []string) {
	t.Helper()
	all := strings.Join(strings.Fields(string(readFile(t, path))), "")
	if len(all) != 3*texts {
		t.Fatalf("%s: %d digits for %d texts", path, len(all), texts)
	}
	for part := range slices.Chunk([]byte(all), 3) {
		out = append(out, string(part))
	}
	return out
}

func digest(answer string) string {
	sum := sha256.Sum256([]byte(answer))
	return hex.EncodeToString(sum[:])[:3]
}

// answerOf is everything that a digest is of.
func answerOf(t *testing.T, tok *tokenizer.Tokenizer, text string) string {
	t.Helper()
	ids := tok.Encode(text)
	reversed := slices.Clone(ids)
	slices.Reverse(reversed)
	out := []string{numbers(ids), numbers(tok.EncodeSpecial(text))}
	for _, d := range []struct {
		ids  []int32
		keep bool
	}{{ids, true}, {ids, false}, {reversed, true}} {
		decoded, err := tok.Decode(d.ids, d.keep)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, decoded)
	}
	return strings.Join(out, "\n")
}

func numbers(ids []int32) string { return strings.Trim(fmt.Sprint(ids), "[]") }
