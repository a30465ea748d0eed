package trainer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/report"
	"github.com/oaif/oaif/oaif/weights"
)

// Names in a run folder.
const (
	configFile  = "config.toml"
	summaryFile = "summary.json" // there from the last evaluation on
	modelFolder = "model"
)

// Finished reports whether cfg's run folder holds a run of this config that has ended, so that
// nothing is left to do but to write its report. A run of another config is refused. It fills in
// cfg as New does.
func Finished(cfg *config.Config) (bool, error) {
	var s Summary
	path := filepath.Join(cfg.Run.Out, summaryFile)
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &s) != nil || s.Steps != cfg.Train.Steps {
		return false, nil
	}
	for _, name := range []string{
		filepath.Join(modelFolder, "config.json"), filepath.Join(modelFolder, "model.safetensors"),
		evalFile(s.Steps), checkpoint.Metrics,
	} {
		if _, err := os.Stat(filepath.Join(cfg.Run.Out, name)); err != nil {
			return false, nil
		}
	}
	return true, adoptResolved(cfg)
}

// adoptResolved fills in the device, dtype and threads that the run was started with where cfg
// leaves them open, and refuses a config that differs from the run's in anything else but where an
// endpoint's answers are kept, which decides none of them.
func adoptResolved(cfg *config.Config) error {
	path := filepath.Join(cfg.Run.Out, configFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return oaif.DataError(path + ": is missing; there is no run to resume without it")
	}
	old, err := config.Load(path, nil)
	if err != nil {
		return oaif.DataError(fmt.Sprintf("%s: the run cannot be resumed: %v", cfg.Run.Out, err))
	}
	if cfg.Model.Device == "auto" {
		cfg.Model.Device = old.Model.Device
	}
	if cfg.Model.DType == "auto" {
		cfg.Model.DType = old.Model.DType
	}
	if cfg.Train.Threads == 0 {
		cfg.Train.Threads = old.Train.Threads
	}
	old.Run.Out = cfg.Run.Out // the folder may have been moved
	old.Annotator.Cache, old.Annotator.CacheOnly = cfg.Annotator.Cache, cfg.Annotator.CacheOnly
	was, err := encode(old)
	if err != nil {
		return err
	}
	is, err := encode(cfg)
	if err != nil {
		return err
	}
	if a, b, differ := difference(was, is); differ {
		return oaif.UsageError(fmt.Sprintf(
			"a resumed run keeps its config: %s has %s, now asked for %s", path, a, b))
	}
	return nil
}

// difference returns the first line of each text that is not the other's; a text that ends before
// the other has "nothing" there.
func difference(was, is string) (a, b string, differ bool) {
	if was == is {
		return "", "", false
	}
	old, now := strings.Split(was, "\n"), strings.Split(is, "\n")
	i := 0
	for i < len(old) && i < len(now) && old[i] == now[i] {
		i++
	}
	line := func(lines []string) string {
		if i < len(lines) && lines[i] != "" {
			return lines[i]
		}
		return "nothing"
	}
	return line(old), line(now), true
}

func encode(cfg *config.Config) (string, error) {
	var b bytes.Buffer
	err := cfg.Encode(&b)
	return b.String(), err
}

// openRun opens the run folder, and with resume goes back to the newest checkpoint.
func (t *Trainer) openRun(resume bool) (err error) {
	if t.state.Inputs, err = t.digests(); err != nil {
		return err
	}
	t.state.Annotator = t.ai.ID
	t.run, err = checkpoint.OpenRun(t.cfg.Run.Out, checkpoint.Options{Resume: resume})
	if err != nil {
		return err
	}
	if !resume {
		text, err := encode(t.cfg)
		if err != nil {
			return err
		}
		return t.run.WriteFile(configFile, []byte(text))
	}
	// What goes on is not finished, whatever an end before said.
	if err := os.Remove(t.run.Path(summaryFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return oaif.DataError(fmt.Sprintf("%s: cannot be removed: %v", t.run.Path(summaryFile),
			errors.Unwrap(err)))
	}
	cp, err := t.run.Latest()
	if err != nil {
		return err
	}
	if cp == nil {
		t.observer.Warn("the run had no checkpoint yet: it starts again from step 1")
		return t.run.Rewind(nil)
	}
	if cp.Warning != "" {
		t.observer.Warn(cp.Warning)
	}
	if err := t.restore(cp); err != nil {
		return err
	}
	t.observer.Stage(fmt.Sprintf("resuming after step %d", cp.Step))
	return t.run.Rewind(cp)
}

// finish writes what a finished run leaves behind.
func (t *Trainer) finish() error {
	t.observer.Stage("writing the model")
	if err := t.export(); err != nil {
		return err
	}
	t.observer.Stage("writing the report")
	_, err := report.Write(t.cfg.Run.Out)
	return err
}

// export writes the policy's fp32 masters as a Hugging Face folder, with the EOS set that sampling
// stopped on.
func (t *Trainer) export() error {
	c := t.policy.Config
	c.EOS = t.vocab.EOS
	extra := []weights.File{
		{Name: "tokenizer.json", Write: t.vocab.WriteJSON},
		{Name: "tokenizer_config.json", Write: t.writeTokenizerConfig},
	}
	return weights.WriteHF(t.run.Path(modelFolder), c, t.policy.Sources(), extra)
}

func (t *Trainer) writeTokenizerConfig(path string) error {
	return t.vocab.WriteConfig(path, t.files.policy.ChatTemplate())
}
