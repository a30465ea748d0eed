package tokenizer

import "unicode"

var addedLetters = &unicode.RangeTable{}
var addedNumbers = &unicode.RangeTable{}
var addedWords = &unicode.RangeTable{}
