package sampler_test

import (
	"context"
	"errors"
	"os"
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

// open loads the tiny model, frozen, in fp32.
func open(t *testing.T) (*model.Model, *vocab.Vocab) {
	t.Helper()
	return openAs(t, "", torch.Float32, false)
}

// demoModel is there after make model.
const demoModel = "../../third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf"

// openAs loads a model until the test's end, when no handle may be left. The tiny one has no path.
func openAs(
	t *testing.T, path string, dtype torch.DType, trainable bool,
) (*model.Model, *vocab.Vocab) {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "model")
		if err := modeltest.Write(path); err != nil {
			t.Fatal(err)
		}
	} else if _, err := os.Stat(path); err != nil {
		t.Skipf("the demo model is not there (make model): %v", err)
	}
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vocab.Of(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	dev := torchtest.Open(t, 2)
	m, err := model.Load(dev, file, dtype, trainable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(dev.Do(m.Close), file.Close()); err != nil {
			t.Error(err)
		}
	})
	if trainable {
		torchtest.Do(t, dev, func() { m.Commit(true) }) // as after each step of training
	}
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
