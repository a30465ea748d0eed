package weights_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/weights"
)

// rewardModels holds tiny reward models that transformers wrote.
const rewardModels = "../lm/testdata/reward"

func TestOpenReward(t *testing.T) {
	for name, pad := range map[string]int{"llama": 258, "mistral": -1, "qwen2": 258, "qwen3": 257} {
		dir := filepath.Join(rewardModels, name)
		m, err := weights.OpenReward(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		c := m.Config()
		if !c.Reward || c.Arch != name || c.Pad != pad || c.Hidden != 16 {
			t.Errorf("%s: %+v", name, c)
		}
		head, err := m.Tensor(weights.ScoreName)
		if err != nil || !slices.Equal(head.Shape, []int{1, 16}) {
			t.Errorf("%s: a head of shape %v, %v", name, head.Shape, err)
		}
		layout, err := weights.Layout(c)
		if err != nil || len(layout) != len(m.Tensors())-1 {
			t.Errorf("%s: %d of %d tensors have a place, %v", name, len(layout),
				len(m.Tensors()), err)
		}
		err = weights.WriteHF(filepath.Join(t.TempDir(), "copy"), c, sources(t, m), nil)
		if err == nil || !strings.Contains(err.Error(), "reward models are only read") {
			t.Errorf("%s: written: %v", name, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRewardAndLanguageModels: neither is taken for the other.
func TestRewardAndLanguageModels(t *testing.T) {
	reward, language := filepath.Join(rewardModels, "qwen2"), filepath.Join(familyModels, "qwen2")
	for _, c := range []struct {
		open func(string) (*weights.Model, error)
		path string
		want string
	}{
		{weights.Open, reward, `config.json: architectures ["Qwen2ForSequenceClassification"]: ` +
			"this is a reward model, not a language model (Qwen2ForCausalLM is one)"},
		{weights.OpenReward, language, `config.json: architectures ["Qwen2ForCausalLM"]: this is ` +
			"a language model, not a reward model (Qwen2ForSequenceClassification is one)"},
		{weights.OpenReward, filepath.Join(familyModels, "gemma3"),
			"reward models of this family are not supported"},
		{weights.OpenReward, "testdata/tiny.gguf", "is not the folder of a reward model"},
		{weights.OpenReward, "testdata/none", "cannot be opened"},
	} {
		_, err := c.open(c.path)
		if !errors.Is(err, oaif.ErrData) || !strings.HasSuffix(err.Error(), c.want) &&
			!strings.Contains(err.Error(), "cannot be opened") {
			t.Errorf("%s:\n got %v\nwant %s", c.path, err, c.want)
		}
	}
}

func TestUnsupportedRewardModels(t *testing.T) {
	type changes = map[string]any
	for _, c := range []struct {
		changes changes
		want    string
	}{
		{changes{"id2label": changes{"0": "bad", "1": "good"}},
			"has 2 labels; a reward model has 1"},
		{changes{"id2label": nil}, "has 2 labels"},
		{changes{"id2label": nil, "num_labels": 3}, "has 3 labels"},
		{changes{"id2label": "one"}, "id2label is not an object"},
		{changes{"architectures": []string{"Qwen2ForTokenClassification"}},
			"is not supported (Qwen2ForSequenceClassification is)"},
		{changes{"hidden_size": 32}, "has shape"},
	} {
		dir := copyFolder(t, filepath.Join(rewardModels, "qwen2"))
		edit(t, filepath.Join(dir, "config.json"), c.changes)
		_, err := weights.OpenReward(dir)
		if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.changes, err, c.want)
		}
	}
	dir := copyFolder(t, filepath.Join(rewardModels, "qwen2"))
	edit(t, filepath.Join(dir, "config.json"), changes{"id2label": nil, "num_labels": 1})
	m, err := weights.OpenReward(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
