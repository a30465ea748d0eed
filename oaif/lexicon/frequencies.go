package lexicon

import "regexp"

// wordLike keeps emoticons out of the words that Frequencies counts.
var wordLike = regexp.MustCompile(`^[a-z][a-z'-]*$`)

// Frequencies returns, for each word of the lexicon that is in texts, its occurrences over the
// number of all words, as VADER splits them. Words are in lower case; emoticons are left out.
func (v *Vader) Frequencies(texts []string) map[string]float64 {
	counts, total := map[string]int{}, 0
	for _, text := range texts {
		for _, w := range tokenize(text) {
			total++
			if v.inLexicon(w) && wordLike.MatchString(w.lower) {
				counts[w.lower]++
			}
		}
	}
	frequencies := map[string]float64{}
	for word, count := range counts {
		frequencies[word] = float64(count) / float64(total)
	}
	return frequencies
}
