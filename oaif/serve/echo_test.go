package serve

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/oaif/oaif/oaif/engine"
	"github.com/oaif/oaif/oaif/tokenizer"
	"github.com/oaif/oaif/oaif/vocab"
)

// The tokens of an echoed prompt lie where they do in the text that is shown, of tokenizers that
// write a space before a text's first word or compose its characters, too.
func TestOffsetsOfEchoedPrompts(t *testing.T) {
	for _, c := range []struct{ family, prompt string }{
		{"smollm2", "The cat"}, {"llama2", "The cat"}, {"llama2", " The cat"},
		{"llama2", "<s>The cat"}, {"mistral", "The cat"}, {"qwen3", "cat e\u0301"},
		{"qwen3", "e\u0301 e\u0301"}, {"qwen3", "e\u0301 cat cat"},
	} {
		tok, err := tokenizer.FromJSON("../tokenizer/testdata/families/" + c.family +
			"/tokenizer.json")
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{vocab: &vocab.Vocab{Tokenizer: tok}}
		p := prompt{ids: tok.Encode(c.prompt), text: c.prompt}
		if bos, ok := tok.BOS(); ok && p.ids[0] != bos && c.family != "qwen3" {
			p.ids, p.added = append([]int32{bos}, p.ids...), 1
		}
		text, got := s.echoed(p)
		if len(got) != len(p.ids)+1 {
			t.Fatalf("%s: %d tokens of %d", c.family, len(got), len(p.ids)+1)
		}
		whole := utf8.RuneCountInString(c.prompt)
		if at := got[len(p.ids)].offset; at != whole || !strings.HasPrefix(text, c.prompt) {
			t.Errorf("%s: the answer begins at %d of %q", c.family, at, text)
		}
		for i, t1 := range got[p.added:len(p.ids)] {
			want := strings.TrimSpace(string(tok.TokenBytes(t1.ID)))
			next := got[p.added+i+1].offset
			if t1.offset > next || next > whole {
				t.Errorf("%s: %q is at %d to %d of %q", c.family, want, t1.offset, next, text)
				continue
			}
			at := strings.TrimSpace(string([]rune(text)[t1.offset:next]))
			if at != want && c.family != "qwen3" {
				t.Errorf("%s: token %d of %q, %q, is at %q", c.family, i, text, want, at)
			}
		}
	}
}

// echoed follows the answer of one token to a prompt.
func (s *Server) echoed(p prompt) (text string, got []token) {
	tokens := make(chan engine.Token, len(p.ids)+1)
	for i, id := range p.ids {
		logprob := float32(-1)
		if i == 0 {
			logprob = float32(math.NaN())
		}
		tokens <- engine.Token{ID: id, Logprob: logprob}
	}
	tokens <- engine.Token{ID: p.ids[len(p.ids)-1], Logprob: -1}
	close(tokens)
	s.follow(&asked{prompts: []prompt{p}, choices: 1, echo: true, logprobs: true}, 0,
		&engine.Answer{Tokens: tokens}, func(p piece) {
			text += p.text
			got = append(got, p.tokens...)
		})
	return text, got
}
