package prompts_test

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/prompts"
)

func shipped(t *testing.T, name string, format prompts.Format) []*oaif.Prompt {
	t.Helper()
	path := filepath.Join("..", "..", "configs", "prompts", name)
	all, err := prompts.Load(path, format, byteEncoder{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// bare is text as far as two prompts must differ: letters and digits, in lower case.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' ' {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// distinct fails where a prompt comes twice, within or across the files.
func distinct(t *testing.T, files ...[]*oaif.Prompt) {
	t.Helper()
	seen := map[string]bool{}
	for _, file := range files {
		for _, p := range file {
			text := p.Fields["prompt"]
			if seen[bare(text)] {
				t.Errorf("%q comes twice", text)
			}
			seen[bare(text)] = true
			if text != strings.TrimSpace(text) {
				t.Errorf("%q has spaces around it", text)
			}
		}
	}
}

func TestFilmPrompts(t *testing.T) {
	format := prompts.Format{Template: "{prompt}"}
	train := shipped(t, "film-train.jsonl", format)
	heldout := shipped(t, "film-heldout.jsonl", format)
	if len(train) < 400 || len(heldout) != 256 || len(train)+len(heldout) < 600 {
		t.Errorf("%d prompts to train on, %d held out", len(train), len(heldout))
	}
	distinct(t, train, heldout)
	for _, p := range append(train, heldout...) {
		if n := len(strings.Fields(p.Text)); n < 3 || n > 9 {
			t.Errorf("%q has %d words", p.Text, n)
		}
	}
}

func TestChatQuestions(t *testing.T) {
	train := shipped(t, "chat-train.jsonl", prompts.Format{Chat: true})
	heldout := shipped(t, "chat-heldout.jsonl", prompts.Format{Chat: true})
	if len(train) < 128 || len(heldout) != 64 {
		t.Errorf("%d prompts to train on, %d held out", len(train), len(heldout))
	}
	distinct(t, train, heldout)
}
