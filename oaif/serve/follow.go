package serve

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/engine"
	"github.com/oaif/oaif/oaif/tokenizer"
)

// piece is what is new of one choice.
type piece struct {
	choice int
	text   string
	tokens []token // with the text, where log-probs are asked for
	drawn  int     // tokens that were drawn for it
	finish string  // why the choice ended; "" while it goes on
	err    error
}

// token is one token with its log-probs.
type token struct {
	engine.Token
	offset     int // characters of text before it
	begin, end int // its bytes of text, to tell when it is shown
}

// The API's reasons for an end.
const (
	finishStop   = "stop"
	finishLength = "length"
)

// follower turns one answer's tokens into pieces.
type follower struct {
	s       *Server
	a       *asked
	choice  int
	cut     cutter
	waiting []token // whose text is not shown yet
}

// follow gives emit the pieces of a choice as they come; the last has a finish or an error.
func (s *Server) follow(a *asked, choice int, answer *engine.Answer, emit func(piece)) {
	defer answer.Cancel()
	f := &follower{s: s, a: a, choice: choice}
	if a.echo {
		p, err := f.echo(answer)
		emit(p)
		if err != nil {
			emit(piece{choice: choice, err: err})
			return
		}
	}
	f.cut.stops = a.stops
	for t := range answer.Tokens {
		p, err := f.take(t, f.s.bytes(t.ID), false)
		if err != nil {
			emit(piece{choice: choice, err: err})
			return
		}
		if p.drawn++; f.cut.stopped {
			p.finish = finishStop
			emit(p)
			return
		}
		emit(p)
	}
	emit(f.end(answer))
}

// echo returns the prompt as a piece, with its tokens' log-probs where they are asked for.
func (f *follower) echo(answer *engine.Answer) (p piece, err error) {
	given := f.a.prompts[f.choice/f.a.choices]
	p = piece{choice: f.choice, text: given.text}
	length := utf8.RuneCountInString(given.text)
	// What is drawn starts behind the prompt, however long its tokens are.
	defer func() { f.cut = cutter{runes: length} }()
	if !f.a.logprobs {
		return p, nil
	}
	rest, found := given.text, true
	for i := range given.ids {
		t, more := <-answer.Tokens
		if !more {
			return p, nil // end will say why
		}
		var b []byte
		if i >= given.added {
			b = f.s.vocab.TokenBytes(t.ID)
		}
		if found {
			b, rest, found = lie(b, rest)
		}
		one, err := f.take(t, b, i == 0)
		if err != nil {
			return p, err
		}
		p.tokens = append(p.tokens, one.tokens...)
	}
	p.tokens = append(p.tokens, f.waiting...)
	f.waiting = nil
	for i := range p.tokens { // no further than there is text, if the tokenizer has changed it
		p.tokens[i].offset = min(p.tokens[i].offset, length)
	}
	return p, nil
}

// lie returns which of a token's bytes lie where rest begins, and the rest behind them: some
// tokenizers write a space before a text's first word. found says that they lie there at all.
func lie(b []byte, rest string) (of []byte, behind string, found bool) {
	of = b
	if !strings.HasPrefix(rest, string(b)) && b[0] == ' ' {
		of = b[1:]
	}
	if behind, found = strings.CutPrefix(rest, string(of)); !found {
		of = b
	}
	return of, behind, found
}

// take returns what a token with these bytes of text brings to light. first says that it is a
// prompt's first one, which has no log-prob.
func (f *follower) take(t engine.Token, b []byte, first bool) (piece, error) {
	if math.IsNaN(float64(t.Logprob)) && !first {
		return piece{}, errors.New("the model's log-probs are no numbers")
	}
	begin, offset := f.cut.start()
	text := f.cut.add(b)
	if f.a.logprobs {
		f.waiting = append(f.waiting, token{t, offset, begin, begin + len(b)})
	}
	return piece{choice: f.choice, text: text, tokens: f.shown()}, nil
}

// shown takes the tokens whose text has been shown, or begun to be.
func (f *follower) shown() []token {
	n := 0
	for n < len(f.waiting) &&
		(f.waiting[n].begin < f.cut.shown || f.waiting[n].end <= f.cut.shown) {
		n++
	}
	out := f.waiting[:n:n]
	f.waiting = f.waiting[n:]
	return out
}

// end returns the last piece of a choice that met no stop string on the way.
func (f *follower) end(answer *engine.Answer) piece {
	finish, err := answer.Finish()
	if err != nil {
		return piece{choice: f.choice, err: err}
	}
	p := piece{choice: f.choice, text: f.cut.end(), finish: finishLength}
	if p.tokens = f.waiting; f.cut.stopped {
		p.tokens = f.shown()
	}
	if finish == oaif.FinishEOS || f.cut.stopped {
		p.finish = finishStop
	}
	return p
}

// bytes returns what a drawn token adds to the text; special tokens add nothing.
func (s *Server) bytes(id int32) []byte {
	if s.vocab.IsSpecial(id) {
		return nil
	}
	return s.vocab.TokenBytes(id)
}

// text returns the text of ids, special tokens among them.
func (s *Server) text(ids []int32) string {
	var b []byte
	for _, id := range ids {
		b = append(b, s.vocab.TokenBytes(id)...)
	}
	return tokenizer.ValidUTF8(b)
}

// tokenText is a token as the API names it: its text, or its bytes where it is no whole characters.
func tokenText(b []byte) string {
	if text := tokenizer.ValidUTF8(b); text == string(b) {
		return text
	}
	out := "bytes:"
	for _, c := range b {
		out += fmt.Sprintf(`\x%02x`, c)
	}
	return out
}
