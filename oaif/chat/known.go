package chat

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
)

// knownLines has a line for each template that is trusted, and rendered in tests as transformers
// renders it: the SHA-256 of its text as Jinja reads it, that of its renderings, and its name.
// testdata/golden.py writes it.
//
//go:embed known.txt
var knownLines string

// known holds the names of templates by the first of these hashes.
var known = func() map[[32]byte]string {
	names := map[[32]byte]string{}
	for line := range strings.Lines(knownLines) {
		var sum [32]byte
		fields := strings.Fields(line)
		if _, err := hex.Decode(sum[:], []byte(fields[0])); err != nil {
			panic(fmt.Sprintf("known.txt: %v", err))
		}
		names[sum] = fields[2]
	}
	return names
}()
