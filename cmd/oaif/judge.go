package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/judge"
	"github.com/oaif/oaif/torch"
)

// annotatorFlags name the annotator and where an endpoint's answers are kept.
func annotatorFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "annotator", Usage: "`FILE` that describes the annotator"},
		&cli.StringFlag{Name: "cache", Usage: "`FILE` that keeps the answers of an endpoint"},
		&cli.BoolFlag{Name: "cache-only", Usage: "send nothing: every answer is in the cache"},
	}
}

// loadSpec reads the annotator that the flags name.
func loadSpec(c *cli.Context) (*annotator.Spec, error) {
	path, err := required(c, "annotator")
	if err != nil {
		return nil, err
	}
	spec, err := annotator.Load(path)
	if err != nil {
		return nil, err
	}
	if c.Bool("cache-only") && c.String("cache") == "" {
		return nil, oaif.UsageError("--cache-only needs --cache FILE, which all answers are in")
	}
	if c.String("cache") != "" && spec.Remote == nil {
		return nil, oaif.UsageError(fmt.Sprintf(
			"--cache has no effect: %s asks no endpoint", spec.Path()))
	}
	return spec, nil
}

// withOwnModel calls use with the model that spec names, of its kind.
func withOwnModel(spec *annotator.Spec, use func(*modelFile) error) error {
	file, err := judge.OpenModel(spec)
	if err != nil {
		return err
	}
	return useOpenFile(file, nil, use)
}

// ask calls use with the file's model on dev, for an annotator. It is gone afterwards.
func (m *modelFile) ask(
	dev *torch.Device, dtype torch.DType, use func(*judge.Asked) error,
) (err error) {
	asked, err := judge.Load(dev, m.file, m.vocab, dtype)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Do(asked.Close)) }()
	return use(asked)
}

// openJudge returns the annotator of spec; see judge.New.
func openJudge(c *cli.Context, spec *annotator.Spec, asked *judge.Asked) (*judge.Judge, error) {
	return judge.New(c.Context, spec, asked,
		judge.Options{Cache: c.String("cache"), CacheOnly: c.Bool("cache-only")})
}

// estimateText says what so many prompts will cost at an endpoint, about.
func estimateText(spec *annotator.Spec, u annotator.Usage) string {
	text := fmt.Sprintf("about %d requests to %s: %d prompt tokens, at most %d new ones",
		u.Requests, spec.Remote.URL, u.PromptTokens, u.CompletionTokens)
	if spec.Remote.PriceIn > 0 || spec.Remote.PriceOut > 0 {
		text += fmt.Sprintf("; cost %.2f at the file's prices", u.Cost)
	}
	return text
}
