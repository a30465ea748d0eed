package model_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// golden is what make_golden.py wrote.
type golden struct {
	Cases []struct {
		Kind       string
		Prompt     []int32
		Completion []int32
		Seed       float32
		Logprobs   []float64
		Entropy    []float64
		LastLogits []float64 `json:"last_logits"`
	}
	Gradients map[string]struct {
		Norm   float64
		Step   int
		Values []float64
	}
}

func readGolden(t *testing.T, path string) (g golden, seqs []model.Sequence, seed []float32) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	for _, c := range g.Cases {
		seqs = append(seqs, model.Sequence{Prompt: c.Prompt, Completion: c.Completion})
		seed = append(seed, c.Seed)
	}
	return g, seqs, seed
}

// compare returns the largest differences of log-probs and, where there are some, of entropies, and
// the number of tokens.
func compare(g golden, got []model.Scored) (logprob, entropy float64, n int) {
	for i, c := range g.Cases {
		if len(got[i].Logprobs) != len(c.Logprobs) {
			return math.Inf(1), math.Inf(1), 0
		}
		for k := range c.Logprobs {
			logprob = max(logprob, math.Abs(float64(got[i].Logprobs[k])-c.Logprobs[k]))
			if got[i].Entropy != nil {
				entropy = max(entropy, math.Abs(float64(got[i].Entropy[k])-c.Entropy[k]))
			}
			n++
		}
	}
	return logprob, entropy, n
}

func TestTinyModelsAgainstTransformers(t *testing.T) {
	for _, name := range tiny {
		g, seqs, seed := readGolden(t, filepath.Join("testdata", name, "golden.json"))
		m := load(t, torchtest.Open(t, 1), filepath.Join("testdata", name), torch.Float32, true)
		torchtest.Do(t, m.Device(), func() {
			lp, ent, n := compare(g, accumulate(m, seqs, seed, 1))
			if !(lp < 2e-5 && ent < 2e-5) || n == 0 {
				t.Errorf("%s: %d log-probs differ by up to %g, entropies by %g", name, n, lp, ent)
			}
			checkLogits(t, name, m, g)
			checkGradients(t, name, m, g)
		})
	}
}

func checkLogits(t *testing.T, name string, m *model.Model, g golden) {
	for i, c := range g.Cases {
		p := model.Pack([][]int32{append(c.Prompt[:len(c.Prompt):len(c.Prompt)], c.Completion...)})
		s := torch.NewScope()
		tree := torch.NewTree(m.Device(), p.Nodes)
		got := m.Logits(s, m.Forward(s, tree, nil), []int64{int64(len(p.Nodes.IDs) - 1)}).Float32()
		for v, want := range c.LastLogits {
			if !near(float64(got[v]), want, 1e-4) {
				t.Errorf("%s, case %d: logit %d is %g, want %g", name, i, v, got[v], want)
			}
		}
		tree.Close()
		s.Close()
	}
}

func checkGradients(t *testing.T, name string, m *model.Model, g golden) {
	got := gradients(m)
	if len(got) != len(g.Gradients) {
		t.Errorf("%s: %d gradients, want %d", name, len(got), len(g.Gradients))
	}
	for tensor, want := range g.Gradients {
		if n := norm(got[tensor]); !near(n, want.Norm, 1e-4) {
			t.Errorf("%s, %s: gradient norm %g, want %g", name, tensor, n, want.Norm)
		}
		for i, v := range want.Values {
			if x := float64(got[tensor][i*want.Step]); !(math.Abs(x-v) < 1e-4*(1+want.Norm)) {
				t.Errorf("%s, %s: gradient %d is %g, want %g", name, tensor, i*want.Step, x, v)
			}
		}
	}
}

// Largest difference seen on a processor with AVX2: 4e-5.
func TestSmolLM2AgainstTransformers(t *testing.T) {
	path := "../../third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf"
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the demo model is not there (make model): %v", err)
	}
	g, seqs, _ := readGolden(t, "testdata/smollm2.json")
	m := load(t, torchtest.Open(t, 2), path, torch.Float32, false)
	torchtest.Do(t, m.Device(), func() {
		lp, _, n := compare(g, m.Score(seqs))
		t.Logf("%d tokens: log-probs differ by at most %.2g", n, lp)
		if !(lp < 1e-4) || n < 300 {
			t.Errorf("%d tokens: log-probs differ by up to %g", n, lp)
		}
	})
}
