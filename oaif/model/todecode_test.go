package model_test

import (
	"reflect"
	"testing"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// A model that is loaded to decode gives the bits of one that is not: drawn, and scored.
func TestLoadedToDecode(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		for _, name := range tiny {
			d := torchtest.Open(t, 1)
			plain := load(t, d, "testdata/"+name, dtype, false)
			file, err := weights.Open("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			fast, err := model.LoadToDecode(d, file, dtype)
			if err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Error(err)
			}
			torchtest.Do(t, d, func() {
				if !reflect.DeepEqual(crowded(fast, manner, 4, 2), crowded(plain, manner, 4, 2)) {
					t.Errorf("%s, %s: other tokens are drawn", name, dtype)
				}
				if !reflect.DeepEqual(fast.Score(sequences()), plain.Score(sequences())) {
					t.Errorf("%s, %s: other log-probs", name, dtype)
				}
				fast.Close()
			})
		}
	}
}
