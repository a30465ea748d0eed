package tokenizer_test

import (
	"slices"
	"testing"
)

func TestSmolLM2Basics(t *testing.T) {
	tok := smolTokenizer(t)
	ids := tok.Encode("<|im_start|>user\nWhat is 12+34?<|im_end|>\n")
	text, err := tok.Decode(ids, true)
	if err != nil || text != "<|im_start|>user\nWhat is 12+34?<|im_end|>\n" {
		t.Errorf("decoded %q, %v", text, err)
	}
	if want := []int32{1, 4093}; !slices.Equal(ids[:2], want) {
		t.Errorf("ids begin with %v, want %v", ids[:2], want)
	}
	bos, _ := tok.BOS()
	eos, _ := tok.EOS()
	if tok.VocabSize() != 49152 || bos != 1 || eos != 2 || !tok.IsSpecial(0) || tok.IsSpecial(17) {
		t.Errorf("size %d, bos %d, eos %d", tok.VocabSize(), bos, eos)
	}
}
