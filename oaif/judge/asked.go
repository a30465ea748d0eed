package judge

import (
	"fmt"

	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/lm"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
)

// Asked is a model on a device that an annotator asks: a language model or a reward model.
type Asked struct {
	language *lm.LM     // nil for a reward model
	reward   *lm.Reward // nil for a language model
	close    func()
}

// OpenModel opens the model that spec names as what its kind asks.
func OpenModel(spec *annotator.Spec) (*weights.Model, error) {
	if spec.Kind == annotator.Reward {
		return weights.OpenReward(spec.Model)
	}
	return weights.Open(spec.Model)
}

// Load puts a model of OpenModel on the device. Close must be called there. Not for the device
// goroutine.
func Load(
	dev *torch.Device, file *weights.Model, v *vocab.Vocab, dtype torch.DType,
) (*Asked, error) {
	digest, err := file.Digest()
	if err != nil {
		return nil, err
	}
	if file.Config().Reward {
		m, err := model.LoadReward(dev, file, dtype)
		if err != nil {
			return nil, err
		}
		return &Asked{reward: lm.NewReward(m, v, digest), close: m.Close}, nil
	}
	m, err := model.Load(dev, file, dtype, false)
	if err != nil {
		return nil, err
	}
	return &Asked{language: lm.New(m, v, digest), close: m.Close}, nil
}

// Share is a language model that is on the device for other reasons: Close leaves it there.
func Share(m *model.Model, v *vocab.Vocab, file *weights.Model) (*Asked, error) {
	digest, err := file.Digest()
	if err != nil {
		return nil, err
	}
	return &Asked{language: lm.New(m, v, digest), close: func() {}}, nil
}

// Close frees what Load loaded. Device goroutine only.
func (a *Asked) Close() {
	if a != nil {
		a.close()
	}
}

// CheckVocab refuses an annotator whose verdict tokens are not tokens of its model, before any
// weights are loaded.
func CheckVocab(spec *annotator.Spec, v *vocab.Vocab) error {
	if spec.Kind == annotator.Reward {
		return nil
	}
	if _, err := lm.Candidates(v, spec.Candidates()); err != nil {
		return fmt.Errorf("%s: %w", spec.Path(), err)
	}
	return nil
}
