package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/config"
)

// fromRoot makes the repository's root the current directory, as it is for a user.
func fromRoot(t *testing.T) {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: found %d files, error %v", pattern, len(paths), err)
	}
	return paths
}

func TestShippedConfigs(t *testing.T) {
	fromRoot(t)
	for _, path := range glob(t, "configs/*.toml") {
		c, err := config.Load(path, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := "runs/" + strings.TrimSuffix(filepath.Base(path), ".toml"); c.Run.Out != want {
			t.Errorf("%s writes to %s, want %s", path, c.Run.Out, want)
		}
		for _, named := range []string{c.Data.Train, c.Data.Heldout, c.Annotator.File} {
			if _, err := os.Stat(named); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestShippedAnnotators(t *testing.T) {
	fromRoot(t)
	for _, path := range glob(t, "configs/annotators/*.toml") {
		if _, err := annotator.Load(path); err != nil {
			t.Error(err)
		}
	}
}

// TestNegativeIsTheDemoButForItsAnnotator keeps the comparison of the two runs fair.
func TestNegativeIsTheDemoButForItsAnnotator(t *testing.T) {
	fromRoot(t)
	demo, err := config.Load("configs/demo.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	negative, err := config.Load("configs/negative.toml",
		[]string{"annotator.file=" + demo.Annotator.File, "run.out=" + demo.Run.Out})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(demo, negative); diff != "" {
		t.Error(diff)
	}
	records, err := os.ReadFile(demo.Data.Train)
	if err != nil {
		t.Fatal(err)
	}
	if demo.Train.Steps*demo.Train.PromptsPerStep > strings.Count(string(records), "\n") {
		t.Error("the demo uses a prompt twice, which its comments deny")
	}
}
