package sampler_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/sampler"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// open loads the tiny model. At the test's end no handle may be left.
func open(t *testing.T) (*model.Model, *vocab.Vocab) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := modeltest.Write(dir); err != nil {
		t.Fatal(err)
	}
	file, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vocab.Of(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	dev := torchtest.Open(t, 1)
	m, err := model.Load(dev, file, torch.Float32, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(dev.Do(m.Close), file.Close()); err != nil {
			t.Error(err)
		}
	})
	return m, v
}

// options are plain sampling; the only end token is one that the tiny model rarely draws.
func options() sampler.Options {
	return sampler.Options{
		Temperature: 1, TopP: 1, MaxNewTokens: 8, EOS: []int32{modeltest.End}, Seed: 7,
	}
}

// ends returns enough end tokens for about one completion in two to end before it is cut.
func ends() []int32 {
	var ids []int32
	for id := int32('A'); id < 'A'+24; id++ {
		ids = append(ids, id)
	}
	return ids
}

// prompt returns a prompt of n tokens.
func prompt(index, n int) *oaif.Prompt {
	p := &oaif.Prompt{Index: index, IDs: []int32{modeltest.Begin}}
	for i := range n - 1 {
		p.IDs = append(p.IDs, int32('a'+(index+i)%26))
	}
	return p
}

// requests asks for both responses to n prompts of different lengths.
func requests(n int) []sampler.Request {
	var reqs []sampler.Request
	for i := range n {
		p := prompt(i, 1+i*7%20)
		reqs = append(reqs, sampler.Request{Prompt: p}, sampler.Request{Prompt: p, Response: 1})
	}
	return reqs
}

func generate(
	t *testing.T, s *sampler.Sampler, step int, reqs []sampler.Request,
) []oaif.Completion {
	t.Helper()
	done, err := s.Generate(context.Background(), step, reqs)
	if err != nil {
		t.Fatal(err)
	}
	if len(done) != len(reqs) {
		t.Fatalf("%d completions for %d requests", len(done), len(reqs))
	}
	return done
}
