package main

import (
	"fmt"

	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/lm"
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/trainer"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/oaif/weights"
)

// examineConfig checks a configuration and the files that it names.
func examineConfig(path string, sets []string) []finding {
	cfg, err := config.Load(path, sets)
	if err != nil {
		return []finding{{"config", oneLine(err), true}}
	}
	found := []finding{{name: "config", text: fmt.Sprintf("%s: %s, %d steps of %d prompts, into %s",
		path, cfg.Loss.Kind, cfg.Train.Steps, cfg.Train.PromptsPerStep, cfg.Run.Out)}}
	spec, err := annotator.Load(cfg.Annotator.File)
	if err != nil {
		spec, found = nil, append(found, finding{"annotator", oneLine(err), true})
	}
	found = append(found, examinePolicy(cfg, spec)...)
	if cfg.Model.Reference != cfg.Model.Path {
		found = append(found, examineModel("reference", cfg.Model.Reference))
	}
	if spec != nil {
		found = append(found, examineAnnotator(cfg, spec))
	}
	return found
}

// examineModel checks a model's files without loading its weights.
func examineModel(name, path string) finding {
	file, err := weights.Open(path)
	if err != nil {
		return finding{name, oneLine(err), true}
	}
	defer func() { _ = file.Close() }() // only read from
	return finding{name: name, text: describeModel(file)}
}

func describeModel(file *weights.Model) string {
	cfg := file.Config()
	return fmt.Sprintf("%s: %s, %d layers of %d, vocabulary %d, context %d tokens, ends at ids %v",
		file.Path(), cfg.Arch, cfg.Layers, cfg.Hidden, cfg.Vocab, cfg.Context, file.EOS())
}

// examinePolicy checks the policy's files and, with its tokenizer, the prompt files. spec is nil
// where the annotator's file cannot be used.
func examinePolicy(cfg *config.Config, spec *annotator.Spec) []finding {
	file, err := weights.Open(cfg.Model.Path)
	if err != nil {
		return []finding{{"model", oneLine(err), true}}
	}
	defer func() { _ = file.Close() }() // only read from
	found := []finding{{name: "model", text: describeModel(file)}}
	v, err := vocab.Of(file, cfg.Model.EOS)
	if err != nil {
		return append(found, finding{"tokenizer", oneLine(err), true})
	}
	format, err := trainer.PromptFormat(cfg, file.Config().Context, spec)
	if err != nil {
		return append(found, finding{"sampler", oneLine(err), true})
	}
	return append(found,
		examinePrompts("train", cfg.Data.Train, format, v),
		examinePrompts("heldout", cfg.Data.Heldout, format, v))
}

func examinePrompts(name, path string, format prompts.Format, v *vocab.Vocab) finding {
	all, err := prompts.Load(path, format, v)
	if err != nil {
		return finding{name, oneLine(err), true}
	}
	longest := 0
	for _, p := range all {
		longest = max(longest, len(p.IDs))
	}
	return finding{name: name, text: fmt.Sprintf("%s: %d prompts of at most %d tokens",
		path, len(all), longest)}
}

// examineAnnotator checks an annotator's candidates with the tokenizer of the model that it asks.
func examineAnnotator(cfg *config.Config, spec *annotator.Spec) finding {
	path, asks := spec.Model, spec.Model
	if path == "" {
		path, asks = cfg.Model.Reference, "the frozen reference"
	}
	err := useModelFile(path, nil, func(m *modelFile) error {
		_, err := lm.Candidates(m.vocab, spec.Candidates())
		return err
	})
	if err != nil {
		return finding{"annotator", fmt.Sprintf("%s: %s", spec.Path(), oneLine(err)), true}
	}
	return finding{name: "annotator", text: fmt.Sprintf("%s: %s, compares %q, asks %s",
		spec.Path(), spec.Kind, spec.Candidates(), asks)}
}
