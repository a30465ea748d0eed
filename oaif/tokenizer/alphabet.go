package tokenizer

// The byte-level alphabet of GPT-2: each byte is written as one printable character. Those that are
// printable in Latin-1 stand for themselves, the others follow from U+0100 on.
var byteLetter, letterByte = alphabet()

func alphabet() (letters [256]rune, bytes map[rune]byte) {
	bytes = make(map[rune]byte, 256)
	next := rune(0x100)
	for b := range letters {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			letters[b] = rune(b)
		} else {
			letters[b] = next
			next++
		}
		bytes[letters[b]] = byte(b)
	}
	return letters, bytes
}
