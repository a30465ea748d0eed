package trainer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/trainer"
)

// The test binary is a training process when this variable names a configuration.
const childConfig = "OAIF_TEST_TRAIN"

// besideVariable, when it is set, has runWatched ask an annotator beside the training device.
const besideVariable = "OAIF_TEST_BESIDE"

// statusInterrupted is the exit status of a training process that stopped on request.
const statusInterrupted = 130

func TestMain(m *testing.M) {
	if path := os.Getenv(childConfig); path != "" {
		os.Exit(child(path))
	}
	os.Exit(m.Run())
}

// child trains, goes on where a run was begun, and writes a byte to standard output at everything
// that happens.
func child(path string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(path, nil)
	if err == nil {
		err = runWatched(ctx, cfg, func() {
			_, _ = os.Stdout.Write([]byte{'.'}) // the parent may be gone
		})
	}
	if errors.Is(err, oaif.ErrInterrupted) {
		return statusInterrupted
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// runWatched trains cfg, with --resume if the run was begun, and calls hook at everything that
// happens.
func runWatched(ctx context.Context, cfg *config.Config, hook func()) (err error) {
	resume, err := checkpoint.Begun(cfg.Run.Out)
	if err != nil {
		return err
	}
	t, err := trainer.New(ctx, cfg, resume, &watcher{hook: hook})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if os.Getenv(besideVariable) != "" {
		t.UseAnnotator(scoring(byHash), "hash")
		t.AskBeside()
		return t.Run(ctx)
	}
	t.WatchAnnotator(func(inner oaif.Annotator) oaif.Annotator {
		return &onlyOnce{inner, filepath.Join(cfg.Run.Out, "verdicts.jsonl"), hook}
	})
	return t.Run(ctx)
}

// onlyOnce is an annotator that signs its verdicts with a digest of the question, and fails when it
// is asked a question that the journal of verdicts already holds the answer to.
type onlyOnce struct {
	oaif.Annotator
	journal string
	hook    func()
}

func (o *onlyOnce) Annotate(
	ctx context.Context, questions []oaif.Question,
) ([]oaif.Preference, error) {
	o.hook()
	stored, err := os.ReadFile(o.journal)
	if err != nil {
		return nil, err
	}
	prefs, err := o.Annotator.Annotate(ctx, questions)
	if err != nil {
		return nil, err
	}
	for i, q := range questions {
		if prefs[i].Reason == annotator.ReasonIdentical {
			continue
		}
		text, err := json.Marshal(q)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		prefs[i].Reason = hex.EncodeToString(sum[:])
		if bytes.Contains(stored, []byte(prefs[i].Reason)) {
			return nil, fmt.Errorf("asked twice: %s", text)
		}
	}
	o.hook()
	return prefs, nil
}
