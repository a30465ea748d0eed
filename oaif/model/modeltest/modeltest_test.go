package modeltest_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/tokenizer"
	"github.com/oaif/oaif/oaif/weights"
)

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	if err := modeltest.Write(dir); err != nil {
		t.Fatal(err)
	}
	m, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	tensor, err := m.Tensor("model.layers.1.mlp.down_proj.weight")
	if err != nil {
		t.Fatal(err)
	}
	if err := tensor.Float32(make([]float32, tensor.Len())); err != nil {
		t.Error(err)
	}
	tok, err := tokenizer.FromJSON(m.TokenizerJSON())
	if err != nil {
		t.Fatal(err)
	}
	const text = "a Zé\n\x00<|end|>"
	want := []int32{'a', ' ', 'Z', 0xc3, 0xa9, '\n', 0, modeltest.End}
	if got := tok.Encode(text); !slices.Equal(got, want) {
		t.Errorf("Encode = %v, want the bytes and the end token %v", got, want)
	}
	if got, err := tok.Decode(want, true); err != nil || got != text {
		t.Errorf("Decode = %q, %v", got, err)
	}
	if got := tok.EncodeSpecial("a"); !slices.Equal(got, []int32{modeltest.Begin, 'a'}) {
		t.Errorf("EncodeSpecial = %v", got)
	}
	if !slices.Equal(m.EOS(), []int32{modeltest.End}) {
		t.Errorf("EOS = %v", m.EOS())
	}
}
