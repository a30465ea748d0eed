package trainer

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/lm"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/oaif/weights"
)

// files are the model files of a run. The same file is opened once, whatever parts it plays.
type files struct {
	policy, reference, judge *weights.Model // judge is nil when the annotator asks the reference
	policyVocab, judgeVocab  *vocab.Vocab
	spec                     *annotator.Spec
	opened                   []*weights.Model
}

func openFiles(cfg *config.Config) (f *files, err error) {
	f = &files{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
			f = nil
		}
	}()
	if f.spec, err = annotator.Load(cfg.Annotator.File); err != nil {
		return f, err
	}
	if f.policy, err = f.open(cfg.Model.Path); err != nil {
		return f, err
	}
	if f.reference, err = f.open(cfg.Model.Reference); err != nil {
		return f, err
	}
	if a, b := f.policy.Config().Vocab, f.reference.Config().Vocab; a != b {
		return f, oaif.UsageError(fmt.Sprintf(
			"model.reference: %s has a vocabulary of %d tokens, %s of %d",
			f.reference.Path(), b, f.policy.Path(), a))
	}
	if cfg.Annotator.Cache != "" && f.spec.Remote == nil {
		return f, oaif.UsageError(fmt.Sprintf(
			"annotator.cache: has no effect, %s asks no endpoint", f.spec.Path()))
	}
	if !f.spec.OnDevice() {
		f.policyVocab, err = vocab.Of(f.policy, cfg.Model.EOS)
		return f, err
	}
	asked := f.reference
	if f.spec.Model != "" {
		if asked, err = f.open(f.spec.Model); err != nil {
			return f, err
		}
		if asked != f.reference {
			f.judge = asked
		}
	}
	if f.policyVocab, err = vocab.Of(f.policy, cfg.Model.EOS); err != nil {
		return f, err
	}
	f.judgeVocab = f.policyVocab
	if asked != f.policy {
		if f.judgeVocab, err = vocab.Of(asked, nil); err != nil {
			return f, err
		}
	}
	// Before there is a run folder: the annotator itself looks at its candidates when it is first
	// asked.
	_, err = lm.Candidates(f.judgeVocab, f.spec.Candidates())
	return f, err
}

func (f *files) open(path string) (*weights.Model, error) {
	for _, m := range f.opened {
		if filepath.Clean(m.Path()) == filepath.Clean(path) {
			return m, nil
		}
	}
	m, err := weights.Open(path)
	if err == nil {
		f.opened = append(f.opened, m)
	}
	return m, err
}

// llm returns the language model that the annotator asks, on the device as m.
func (f *files) llm(m *model.Model) (*lm.LM, error) {
	file := f.reference
	if f.judge != nil {
		file = f.judge
	}
	digest, err := file.Digest()
	if err != nil {
		return nil, err
	}
	return lm.New(m, f.judgeVocab, digest), nil
}

func (f *files) close() error {
	var errs []error
	for _, m := range f.opened {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
