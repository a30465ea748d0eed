package tokenizer

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// The split patterns that most models use, as they stand in their tokenizer.json. Each has a
// scanner of its own here, many times faster than a regular expression engine and with the same
// Unicode tables everywhere.
const (
	patternGPT2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|` +
		` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	patternQwen2 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|` +
		` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	// patternO200k is that of OpenAI's models from GPT-4o on.
	patternO200k = `[^\r\n\p{L}\p{N}]?` + capitals + `*` + smalls + `+` + endings + `?|` +
		`[^\r\n\p{L}\p{N}]?` + capitals + `+` + smalls + `*` + endings + `?|` +
		`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	// patternTekken is that of Mistral's models from NeMo on.
	patternTekken = `[^\r\n\p{L}\p{N}]?` + capitals + `*` + smalls + `+|` +
		`[^\r\n\p{L}\p{N}]?` + capitals + `+` + smalls + `*|` +
		`\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	capitals = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	smalls   = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	endings  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
)

// newScanner compiles a pattern of a Split.
func newScanner(p *pattern) (scanner, error) {
	if p.String != nil {
		if *p.String == "" {
			return nil, errors.New("the pattern is an empty string")
		}
		return scanLiteral(*p.String), nil
	}
	switch *p.Regex {
	case patternGPT2:
		return scanGPT2, nil
	case patternLlama3:
		return scanLlama3, nil
	case patternQwen2:
		return scanQwen2, nil
	case patternO200k:
		return scanO200k, nil
	case patternTekken:
		return scanTekken, nil
	}
	return scanRegex(*p.Regex)
}

// scanLiteral matches a fixed string that is not empty.
func scanLiteral(lit string) scanner {
	return func(s string, match func(start, end int)) {
		for at := 0; ; {
			i := strings.Index(s[at:], lit)
			if i < 0 {
				return
			}
			match(at+i, at+i+len(lit))
			at += i + len(lit)
		}
	}
}

// scanAll matches everything at once.
func scanAll(s string, match func(start, end int)) {
	if s != "" {
		match(0, len(s))
	}
}

// scanDigits matches each number character by itself.
func scanDigits(s string, match func(start, end int)) {
	for i, r := range s {
		if isNumeric(r) {
			match(i, i+utf8.RuneLen(r))
		}
	}
}
