package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/report"
	"github.com/oaif/oaif/oaif/trainer"
)

func trainCommand() *cli.Command {
	return &cli.Command{
		Name:      "train",
		Usage:     "align a model: sample, annotate, take a step, again and again",
		UsageText: "oaif train CONFIG [--set KEY=VALUE]... [--out DIR] [--resume | --dry-run]",
		Description: `Runs the training that the TOML file CONFIG describes. Everything goes into
the run folder: metrics.jsonl, pairs.jsonl (every pair with its verdict),
eval/, checkpoints/, model/ (Hugging Face layout), summary.json and report.html.

The same configuration, seed and number of threads give the same run, byte for
byte. A run that was stopped at any moment goes on with --resume and ends as if
it never had; a run that has written nothing yet starts with it, and of one that
is finished it shows again what it came to.

Example:
  oaif train configs/demo.toml --set train.steps=50 --out runs/long
  oaif train configs/demo.toml --set train.steps=50 --out runs/long --resume`,
		Flags: flags(setFlag(), []cli.Flag{
			&cli.StringFlag{Name: "out",
				Usage: "`DIR` to use as run folder, instead of CONFIG's run.out"},
			&cli.BoolFlag{Name: "resume",
				Usage: "go on with the run in the run folder; start it where there is none yet"},
			&cli.BoolFlag{Name: "dry-run",
				Usage: "check CONFIG and say what its annotator would be asked; do nothing"},
			&cli.StringFlag{Name: "device",
				Usage: "`DEVICE` to use instead of CONFIG's model.device"},
			&cli.StringFlag{Name: "dtype", Usage: "`TYPE` to use instead of CONFIG's model.dtype"},
		}),
		Action: train,
	}
}

func train(c *cli.Context) (err error) {
	args, err := positionals(c, 1, 1, "one configuration file")
	if err != nil {
		return err
	}
	if c.Bool("dry-run") && c.Bool("resume") {
		return usagef(c, "--resume has no effect with --dry-run, which speaks of a whole run")
	}
	sets := c.StringSlice("set")
	for flag, key := range map[string]string{
		"out": "run.out", "device": "model.device", "dtype": "model.dtype",
	} {
		if c.IsSet(flag) {
			sets = append(sets, key+"="+c.String(flag))
		}
	}
	cfg, err := config.Load(args[0], sets)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return estimateTrain(c, cfg)
	}
	resume, finished, err := begun(c, cfg)
	if err != nil {
		return err
	}
	if finished {
		if _, err := report.Write(cfg.Run.Out); err != nil {
			return err
		}
		if err := printOutcome(c.App.Writer, cfg.Run.Out); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.App.ErrWriter, "oaif: the run in %s is finished\n", cfg.Run.Out)
		return err
	}
	show := newProgress(c.App.Writer, cfg.Train.Steps)
	defer show.end()
	t, err := trainer.New(c.Context, cfg, resume, show)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if c.Bool("resume") && !resume {
		show.lineTo(c.App.ErrWriter, "oaif: nothing to resume in %s: starting at step 1",
			cfg.Run.Out)
	}
	if err := t.Run(c.Context); err != nil {
		return err
	}
	show.end()
	return printOutcome(c.App.Writer, cfg.Run.Out)
}

// estimateTrain says what a run would ask of its annotator.
func estimateTrain(c *cli.Context, cfg *config.Config) error {
	e, err := trainer.EstimateRun(cfg)
	if err != nil {
		return err
	}
	text := "no endpoint is asked"
	if e.Spec.Remote != nil {
		text = estimateText(e.Spec, e.Usage)
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d steps, %d pairs with those of evaluations: %s\n",
		cfg.Train.Steps, e.Pairs, text)
	return err
}

// begun says whether --resume is given and finds a run, and whether that one is finished.
func begun(c *cli.Context, cfg *config.Config) (resume, finished bool, err error) {
	if !c.Bool("resume") {
		return false, false, nil
	}
	if resume, err = checkpoint.Begun(cfg.Run.Out); resume && err == nil {
		finished, err = trainer.Finished(cfg)
	}
	return resume, finished, err
}
