package lexicon

import (
	"context"
	"math"
	"strconv"

	"github.com/jonreiter/govader"

	"github.com/oaif/oaif/oaif"
)

// Vader scores the sentiment of English text by a lexicon and rules (Hutto and Gilbert 2014). It
// never sees training and never trains: an independent judge. It is safe for concurrent use.
//
// Lexicon, emoji and word tables are govader's. Its rules are not used: against the reference,
// Python's vaderSentiment 3.3.2, they give another score to one sentence in 40 of film reviews,
// most of all after "so" and "this" (a quirk of the reference, kept here) and for "heart", which
// its lexicon lacks. With the rules in vader_rules.go every score equals the reference's, so that
// anyone can check a win rate with it.
type Vader struct {
	lexicon  map[string]float64 // valence of a lower-case word or emoticon, in [-4,4]
	emoji    map[string]string  // one character -> its description
	boosters map[string]float64 // degree adverbs
	idioms   map[string]float64 // phrases of two or three words
	negating map[string]bool
}

// NewVader loads the tables.
func NewVader() *Vader {
	g := govader.NewSentimentIntensityAnalyzer()
	v := &Vader{lexicon: g.Lexicon, emoji: g.EmojiDict, boosters: g.Constants.BoosterDict,
		idioms: g.Constants.SpecialCaseIdioms, negating: map[string]bool{}}
	for _, word := range g.Constants.NegateList {
		v.negating[word] = true
	}
	// What 3.3.2 has and govader's tables lack.
	v.lexicon["heart"], v.lexicon["hearts"] = 3.2, 3.3
	v.idioms["bus stop"], v.idioms["beating heart"] = 0, 3.5
	return v
}

// Score returns VADER's compound score of text in [-1,1], rounded to four decimals as the reference
// does; 0 for a text without sentiment.
func (v *Vader) Score(text string) float64 {
	text = v.describeEmoji(text)
	words := tokenize(text)
	if len(words) == 0 {
		return 0
	}
	sum := 0.0
	for _, valence := range v.valences(words) {
		sum += valence
	}
	switch emphasis := punctuation(text); {
	case sum > 0:
		sum += emphasis
	case sum < 0:
		sum -= emphasis
	}
	return round4(sum / math.Sqrt(sum*sum+15))
}

// Annotate implements oaif.Annotator. Each answer is scored with its prompt's text before it. The
// verdict is the higher compound score; equal scores are a tie. PA is 1, 1/2 or 0: VADER gives no
// probability. It never fails and no verdict is invalid.
func (v *Vader) Annotate(_ context.Context, questions []oaif.Question) ([]oaif.Preference, error) {
	prefs := make([]oaif.Preference, len(questions))
	for i, q := range questions {
		prefs[i] = v.compare(q.Fields["prompt"]+q.A, q.Fields["prompt"]+q.B)
	}
	return prefs, nil
}

func (v *Vader) compare(a, b string) oaif.Preference {
	p := oaif.Preference{Verdict: oaif.VerdictTie, PA: .5, ScoreA: v.Score(a), ScoreB: v.Score(b)}
	switch {
	case p.ScoreA > p.ScoreB:
		p.Verdict, p.PA = oaif.VerdictA, 1
	case p.ScoreA < p.ScoreB:
		p.Verdict, p.PA = oaif.VerdictB, 0
	}
	return p
}

// round4 rounds to four decimals as Python's round does: half to even on the exact binary value.
func round4(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', 4, 64), 64)
	if err != nil {
		return x // FormatFloat's own output always parses
	}
	return y
}
