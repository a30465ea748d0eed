package lexicon

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Constants of VADER's rules, found empirically by its authors.
const (
	capsBoost   = 0.733 // an ALL-CAPS word among others
	negation    = -0.74
	neverSo     = 1.25
	exclamation = 0.292 // each of at most 4
	question    = 0.18  // each of 2 or 3
	questions   = 0.96  // 4 and more
)

// asciiPunctuation is Python's string.punctuation.
const asciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// word is one token of a text, as written and in lower case.
type word struct {
	text, lower string
	upper       bool // has cased characters, all upper case
}

// describeEmoji puts each emoji's description in its place.
func (v *Vader) describeEmoji(text string) string {
	var out strings.Builder
	afterSpace := true
	for _, r := range text {
		description, ok := v.emoji[string(r)]
		if !ok {
			out.WriteRune(r)
			afterSpace = r == ' '
			continue
		}
		if !afterSpace {
			out.WriteByte(' ')
		}
		out.WriteString(description)
		afterSpace = false
	}
	return out.String()
}

// tokenize splits text at white space and strips ASCII punctuation from both ends of a token,
// unless at most two characters would be left: then it may be an emoticon.
func tokenize(text string) []word {
	var words []word
	for _, token := range strings.FieldsFunc(text, isSpace) {
		if stripped := strings.Trim(token, asciiPunctuation); utf8.RuneCountInString(stripped) > 2 {
			token = stripped
		}
		words = append(words, word{token, strings.ToLower(token), isUpper(token)})
	}
	return words
}

// isSpace is Python's str.isspace: Unicode's white space and the four separator control characters.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func isUpper(token string) bool {
	cased := false
	for _, r := range token {
		if unicode.IsLower(r) || unicode.IsTitle(r) {
			return false
		}
		cased = cased || unicode.IsUpper(r)
	}
	return cased
}

// valences returns the valence of every word, 0 for words without sentiment.
func (v *Vader) valences(words []word) []float64 {
	upper := 0
	for _, w := range words {
		if w.upper {
			upper++
		}
	}
	mixed := upper > 0 && upper < len(words)
	values := make([]float64, len(words))
	for i, w := range words {
		_, booster := v.boosters[w.lower]
		kindOf := w.lower == "kind" && i+1 < len(words) && words[i+1].lower == "of"
		if !booster && !kindOf && v.inLexicon(w) {
			values[i] = v.valence(words, i, mixed)
		}
	}
	butShift(words, values)
	return values
}

func (v *Vader) inLexicon(w word) bool {
	_, ok := v.lexicon[w.lower]
	return ok
}

// valence applies the rules that look around lexicon word i. mixed says that some, not all, words
// of the text are ALL CAPS.
func (v *Vader) valence(words []word, i int, mixed bool) float64 {
	w := words[i]
	value := v.lexicon[w.lower]
	if w.lower == "no" && i+1 < len(words) && v.inLexicon(words[i+1]) {
		value = 0 // it negates the next word instead
	}
	if lower(words, i-1) == "no" || lower(words, i-2) == "no" ||
		lower(words, i-3) == "no" && (lower(words, i-1) == "or" || lower(words, i-1) == "nor") {
		value = v.lexicon[w.lower] * negation
	}
	if w.upper && mixed {
		value += signed(capsBoost, value)
	}
	for back := 1; back <= 3 && back <= i; back++ {
		before := words[i-back]
		if v.inLexicon(before) {
			continue
		}
		value += v.boost(before, value, mixed) * [...]float64{1, 1, .95, .9}[back]
		value = v.negate(words, i, back, value)
		if back == 3 {
			value = v.applyIdioms(words, i, value)
		}
	}
	if lower(words, i-1) == "least" && lower(words, i-2) != "at" && lower(words, i-2) != "very" &&
		!v.inLexicon(words[i-1]) {
		value *= negation
	}
	return value
}

// lower returns word i in lower case, "" before the start of the text.
func lower(words []word, i int) string {
	if i < 0 {
		return ""
	}
	return words[i].lower
}

// signed gives size the sign by which it moves value away from 0; a value of 0 moves down.
func signed(size, value float64) float64 {
	if value > 0 {
		return size
	}
	return -size
}

// boost is what the degree adverb w, if it is one, adds to the value of a word after it.
func (v *Vader) boost(w word, value float64, mixed bool) float64 {
	scalar, ok := v.boosters[w.lower]
	if !ok {
		return 0
	}
	if value < 0 {
		scalar = -scalar
	}
	if w.upper && mixed {
		scalar += signed(capsBoost, value)
	}
	return scalar
}

// negate applies the word back places before word i, if it negates. Three places back, "so" or
// "this" just before word i strengthens it even without "never": the reference's operator
// precedence, kept.
func (v *Vader) negate(words []word, i, back int, value float64) float64 {
	soOrThis := func(k int) bool { return lower(words, i-k) == "so" || lower(words, i-k) == "this" }
	far := lower(words, i-back)
	switch {
	case back == 2 && far == "never" && soOrThis(1),
		back == 3 && (far == "never" && soOrThis(2) || soOrThis(1)):
		return value * neverSo
	case back == 2 && far == "without" && lower(words, i-1) == "doubt",
		back == 3 && far == "without" &&
			(lower(words, i-2) == "doubt" || lower(words, i-1) == "doubt"):
		return value
	case v.negating[far] || strings.Contains(far, "n't"):
		return value * negation
	}
	return value
}

// applyIdioms looks for special phrases around word i, which has three words before it, and for
// degree adverbs of two or three words.
func (v *Vader) applyIdioms(words []word, i int, value float64) float64 {
	phrase := func(from, to int) string {
		var parts []string
		for _, w := range words[from : to+1] {
			parts = append(parts, w.lower)
		}
		return strings.Join(parts, " ")
	}
	twoOne, threeTwoOne, threeTwo := phrase(i-2, i-1), phrase(i-3, i-1), phrase(i-3, i-2)
	for _, p := range []string{phrase(i-1, i), phrase(i-2, i), twoOne, threeTwoOne, threeTwo} {
		if special, ok := v.idioms[p]; ok {
			value = special
			break
		}
	}
	for to := i + 1; to <= i+2 && to < len(words); to++ {
		if special, ok := v.idioms[phrase(i, to)]; ok {
			value = special
		}
	}
	for _, p := range []string{threeTwoOne, threeTwo, twoOne} {
		value += v.boosters[p]
	}
	return value
}

// butShift halves the values before the first "but" and raises those after it by half. Like the
// reference it finds a value's place by its first equal, so that repeated values are shifted where
// the first one stands.
func butShift(words []word, values []float64) {
	but := slices.IndexFunc(words, func(w word) bool { return w.lower == "but" })
	if but < 0 {
		return
	}
	for k := range values {
		switch at := slices.Index(values, values[k]); {
		case at < but:
			values[at] *= .5
		case at > but:
			values[at] *= 1.5
		}
	}
}

// punctuation returns the emphasis of exclamation and question marks.
func punctuation(text string) float64 {
	emphasis := float64(min(strings.Count(text, "!"), 4)) * exclamation
	switch marks := strings.Count(text, "?"); {
	case marks > 3:
		emphasis += questions
	case marks > 1:
		emphasis += float64(marks) * question
	}
	return emphasis
}
