package config

import "strings"

// nearest returns the key path closest to an unknown one by edit distance. A match of the last word
// alone, where the table is another one or missing, counts as two edits; so does a word of three or
// more letters that the known one begins with. The first in declaration order wins a draw.
func (f *fields) nearest(key string) string {
	best, least := "", -1
	consider := func(candidate string, distance int) {
		if least < 0 || distance < least {
			best, least = candidate, distance
		}
	}
	word := key[strings.LastIndexByte(key, '.')+1:]
	for _, candidate := range f.order {
		table, last, _ := strings.Cut(candidate, ".")
		away := editDistance(word, last)
		if len(word) >= 3 && strings.HasPrefix(last, word) {
			away = min(away, 2)
		}
		if !strings.HasPrefix(key, table+".") {
			away = min(away+2, editDistance(key, candidate))
		}
		consider(candidate, away)
		if key == word && editDistance(key, table) <= 2 { // a table's name misspelt
			consider("the table ["+table+"]", editDistance(key, table))
		}
	}
	return best
}

// firstOf returns the first key path of a table.
func (f *fields) firstOf(table string) string {
	for _, key := range f.order {
		if strings.HasPrefix(key, table+".") {
			return key
		}
	}
	return table
}

// editDistance returns the least number of insertions, deletions and substitutions of bytes that
// turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
