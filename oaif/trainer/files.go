package trainer

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/judge"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/oaif/weights"
)

// files are the model files of a run. The same file is opened once, whatever parts it plays.
type files struct {
	policy, reference, judge *weights.Model // judge is nil without one, or when it is the reference
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
	if f.policyVocab, err = vocab.Of(f.policy, cfg.Model.EOS); err != nil || !f.spec.OnDevice() {
		return f, err
	}
	return f, f.openJudge()
}

// openJudge opens what the annotator asks on the device, and looks at its verdict tokens before
// there is a run folder.
func (f *files) openJudge() (err error) {
	asked := f.reference
	switch {
	case f.spec.Kind == annotator.Reward:
		if asked, err = judge.OpenModel(f.spec); err != nil {
			return err
		}
		f.opened = append(f.opened, asked)
	case f.spec.Model != "":
		if asked, err = f.open(f.spec.Model); err != nil {
			return err
		}
	}
	if asked != f.reference {
		f.judge = asked
	}
	f.judgeVocab = f.policyVocab
	if asked != f.policy {
		if f.judgeVocab, err = vocab.Of(asked, nil); err != nil {
			return err
		}
	}
	return judge.CheckVocab(f.spec, f.judgeVocab)
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

func (f *files) close() error {
	var errs []error
	for _, m := range f.opened {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
