package trainer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/oaif/oaif/oaif/config"
)

const killedRuns = 30

// TestKilledRunsEndTheSame kills runs with each signal at random moments, goes on with them, and
// wants the bytes of a run that was never stopped.
func TestKilledRunsEndTheSame(t *testing.T) {
	killedRunsEndTheSame(t, workplace(t, pointwise), killedRuns)
}

// TestKilledRunsWithOptions: the same of runs that sample ahead or more than two answers, and of
// those whose annotator is asked beside the training device.
func TestKilledRunsWithOptions(t *testing.T) {
	for name, sets := range map[string][]string{
		"ahead": {"train.async=true", "train.steps=6", "train.checkpoint_every=3"},
		"more":  {"sampler.samples=4", "sampler.pair=best_worst"},
		"beside": {"train.async=true", "train.checkpoint_every=2", "sampler.samples=3",
			"train.missing_eos_loses=true", manyEnds},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "beside" {
				t.Setenv(besideVariable, "1")
			}
			path := withSettings(t, workplace(t, pointwise), sets...)
			killedRunsEndTheSame(t, path, killedRuns/3)
		})
	}
}

// TestKilledRemoteRunsEndTheSame: the same of runs whose annotator is an endpoint, all with the
// same cache of its answers.
func TestKilledRemoteRunsEndTheSame(t *testing.T) {
	o := newOracle(t)
	path := withSettings(t, workplace(t, o.spec()),
		"annotator.cache="+filepath.Join(t.TempDir(), "answers"))
	killedRunsEndTheSame(t, path, killedRuns/3)
}

// withSettings writes a configuration with other settings beside the one at path.
func withSettings(t *testing.T, path string, sets ...string) string {
	t.Helper()
	f, err := os.Create(path + ".options")
	if err == nil {
		err = errors.Join(load(t, path, sets...).Encode(f), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func killedRunsEndTheSame(t *testing.T, path string, runs int) {
	t.Helper()
	whole := load(t, path)
	happenings := 0
	if err := runWatched(context.Background(), whole, func() { happenings++ }); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			cfg, file := elsewhere(t, path, seed, r)
			// Three of ten runs are stopped twice.
			for range 1 + seed%10/7 {
				if kill(t, file, r, happenings) {
					killed++
				}
			}
			if err := runWatched(context.Background(), cfg, func() {}); err != nil {
				t.Fatal(err)
			}
			sameResults(t, cfg.Run.Out, whole.Run.Out, whole.Train.Steps)
			uniqueKeys(t, cfg.Run.Out)
		})
	}
	if killed < runs*2/3 {
		t.Errorf("only %d processes were stopped before they ended", killed)
	}
}

// elsewhere is the configuration at path with a run folder and a rhythm of checkpoints of its own.
func elsewhere(t *testing.T, path string, seed int, r *rand.Rand) (*config.Config, string) {
	t.Helper()
	dir := t.TempDir()
	cfg := load(t, path, "run.out="+filepath.Join(dir, "run"))
	if every := 1 + r.IntN(3); !cfg.Train.Async { // which samples nothing ahead across a checkpoint
		cfg.Train.CheckpointEvery = every
	}
	file := filepath.Join(dir, fmt.Sprintf("run-%d.toml", seed))
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(cfg.Encode(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	return cfg, file
}

// kill starts a training process and sends it a signal a few milliseconds after one of its
// happenings, or before there is any. It reports whether the process was stopped before it was
// done.
func kill(t *testing.T, config string, r *rand.Rand, happenings int) bool {
	t.Helper()
	sig := []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT}[r.IntN(3)]
	after, delay := r.IntN(happenings), time.Duration(r.IntN(10_000))*time.Microsecond
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childConfig+"="+config)
	var errs errorText
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A resumed process may end before it has come that far; reading then ends too.
	reader := bufio.NewReader(out)
	_, _ = io.CopyN(io.Discard, reader, int64(after))
	time.Sleep(delay)
	_ = cmd.Process.Signal(sig) // it may have ended
	_, _ = io.Copy(io.Discard, reader)
	err = cmd.Wait()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case err == nil:
		return false
	case status.Signaled() && status.Signal() == sig && (sig == syscall.SIGKILL || after == 0):
		return true
	case sig != syscall.SIGKILL && status.ExitStatus() == statusInterrupted:
		return true
	}
	t.Errorf("after %v the process ended with %v: %s", sig, err, errs)
	return true
}

// errorText keeps what a process says on standard error.
type errorText []byte

func (e *errorText) Write(p []byte) (int, error) {
	*e = append(*e, p...)
	return len(p), nil
}

// uniqueKeys fails the test if a verdict was stored twice.
func uniqueKeys(t *testing.T, out string) {
	t.Helper()
	seen := map[any]bool{}
	for _, v := range objects(t, filepath.Join(out, "verdicts.jsonl")) {
		if seen[v["key"]] {
			t.Errorf("verdict %v is stored twice", v["key"])
		}
		seen[v["key"]] = true
	}
	if len(seen) == 0 {
		t.Error("no verdict is stored")
	}
}
