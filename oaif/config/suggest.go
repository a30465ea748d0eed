package config

import "strings"

// nearest returns the key path closest to an unknown one by edit distance: the whole path, or the
// last word alone where only the table is wrong. The first in declaration order wins a draw.
func (f *fields) nearest(key string) string {
	best, least := "", -1
	word := key[strings.LastIndexByte(key, '.')+1:]
	for _, candidate := range f.order {
		_, last, _ := strings.Cut(candidate, ".")
		d := min(2*editDistance(key, candidate), 2*editDistance(word, last)+1)
		if least < 0 || d < least {
			best, least = candidate, d
		}
	}
	for _, candidate := range f.order {
		table, _, _ := strings.Cut(candidate, ".")
		if d := 2 * editDistance(key, table); d < least {
			best, least = table, d
		}
	}
	if f.table[best] {
		return "the table [" + best + "]"
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
