package lm_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/lm"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

var _ annotator.TextScorer = (*lm.Reward)(nil)

// rewardModels are tiny reward models that transformers wrote, with the scores that it gives.
const rewardModels = "testdata/reward"

// rewardGolden is what testdata/reward.py wrote.
type rewardGolden struct {
	Texts []struct {
		Text  string
		IDs   []int32
		Score float64
	}
	Chats []struct {
		System, User, Answer, Text string
		IDs                        []int32
		Score                      float64
	}
}

// openReward loads a model of testdata.
func openReward(t *testing.T, dir string, dtype torch.DType) (*lm.Reward, *vocab.Vocab) {
	t.Helper()
	file, err := weights.OpenReward(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vocab.Of(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	dev := torchtest.Open(t, 1)
	m, err := model.LoadReward(dev, file, dtype)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(dev.Do(m.Close), file.Close()); err != nil {
			t.Error(err)
		}
	})
	return lm.NewReward(m, v, "digest"), v
}

// eachReward runs f with every model of testdata.
func eachReward(t *testing.T, f func(t *testing.T, dir string, want rewardGolden)) {
	for _, name := range []string{"llama", "mistral", "qwen2", "qwen3"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(rewardModels, name)
			data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want rewardGolden
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			f(t, dir, want)
		})
	}
}

// differences returns the largest distance of a score from transformers', of texts and of chats.
func (g rewardGolden) differences(t *testing.T, r *lm.Reward) (texts, chats float64) {
	t.Helper()
	var all []string
	var want []float64
	for _, c := range g.Texts {
		all, want = append(all, c.Text), append(want, c.Score)
	}
	for _, c := range g.Chats {
		text, err := r.ChatText(c.System, c.User, c.Answer)
		if err != nil || text != c.Text {
			t.Errorf("the chat is %q, %v; in transformers %q", text, err, c.Text)
		}
		all, want = append(all, text), append(want, c.Score)
	}
	got, err := r.Scores(context.Background(), all)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d scores, %v", len(got), err)
	}
	for i := range want {
		d := math.Abs(got[i] - want[i])
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		if i < len(g.Texts) {
			texts = max(texts, d)
		} else {
			chats = max(chats, d)
		}
	}
	return texts, chats
}

// TestRewardAgreesWithTransformers: ids and scores, some of texts that end in padding.
func TestRewardAgreesWithTransformers(t *testing.T) {
	eachReward(t, func(t *testing.T, dir string, want rewardGolden) {
		r, v := openReward(t, dir, torch.Float32)
		if texts, chats := want.differences(t, r); !(texts < 2e-5 && chats < 2e-5) {
			t.Errorf("scores of texts differ by up to %g, of chats by %g", texts, chats)
		}
		for _, c := range want.Texts {
			ids, err := v.EncodePrompt(c.Text)
			if diff := cmp.Diff(c.IDs, ids); err != nil || diff != "" {
				t.Errorf("%q: %v %s", c.Text, err, diff)
			}
		}
		for _, c := range want.Chats {
			ids, err := v.EncodePrompt(c.Text)
			if diff := cmp.Diff(c.IDs, ids); err != nil || diff != "" {
				t.Errorf("%q: %v %s", c.Text, err, diff)
			}
		}
	})
}

func TestRewardInBFloat16(t *testing.T) {
	eachReward(t, func(t *testing.T, dir string, want rewardGolden) {
		r, _ := openReward(t, dir, torch.BFloat16)
		if texts, chats := want.differences(t, r); !(texts < .2 && chats < .2) {
			t.Errorf("scores of texts differ by up to %g, of chats by %g", texts, chats)
		}
	})
}

// TestRewardAnnotator asks the whole way: the score of each answer as a chat, and their sigmoid.
func TestRewardAnnotator(t *testing.T) {
	eachReward(t, func(t *testing.T, dir string, want rewardGolden) {
		r, _ := openReward(t, dir, torch.Float32)
		path := filepath.Join(t.TempDir(), "reward.toml")
		text := "kind = \"reward\"\nmodel = \"" + dir + "\"\nchat = true\n"
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		spec, err := annotator.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := annotator.NewScored(spec, annotator.LocalScorer(r))
		if err != nil {
			t.Fatal(err)
		}
		c := want.Chats[0]
		got, err := a.Annotate(context.Background(), []oaif.Question{{
			Fields: map[string]string{"prompt": c.User}, A: c.Answer, B: "Something else"}})
		if err != nil {
			t.Fatal(err)
		}
		p := got[0]
		if math.Abs(p.ScoreA-c.Score) > 2e-5 || p.ScoreA == p.ScoreB ||
			math.Abs(p.PA-1/(1+math.Exp(p.ScoreB-p.ScoreA))) > 1e-12 ||
			(p.Verdict == oaif.VerdictA) != (p.ScoreA > p.ScoreB) {
			t.Errorf("%+v, want a score of %v for a", p, c.Score)
		}
	})
}

func TestRewardErrors(t *testing.T) {
	r, _ := openReward(t, filepath.Join(rewardModels, "qwen2"), torch.Float32)
	ctx, cancel := context.WithCancel(context.Background())
	for text, want := range map[string]string{
		"": "has no tokens", strings.Repeat("a", 129): "exceed the model's context of 128",
	} {
		_, err := r.Scores(ctx, []string{"a", text})
		if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.10q gave %v", text, err)
		}
	}
	cancel()
	if _, err := r.Scores(ctx, []string{"a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave %v", err)
	}
	file := modeltest.Open(t)
	if _, err := model.LoadReward(torchtest.Open(t, 1), file, torch.Float32); err == nil {
		t.Error("a language model became a reward model")
	}
}
