package command_test

import (
	"context"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/command"
)

// TestShippedCommand asks the shipped program through the shipped file.
func TestShippedCommand(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not there")
	}
	t.Chdir(filepath.Join("..", ".."))
	spec, err := annotator.Load("configs/annotators/command.toml")
	if err != nil {
		t.Fatal(err)
	}
	a, err := command.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Annotate(context.Background(), []oaif.Question{
		{A: "fun, FUN fun, and fun", B: "a film that is fun"}, {A: "", B: "é\n\"quoted\""}})
	if err != nil {
		t.Fatal(err)
	}
	// Three of five words are different: "fun,", "fun" and "and".
	if got[0].ScoreA != 6 || got[0].ScoreB != 10 || got[0].Verdict != oaif.VerdictB ||
		got[1].Verdict != oaif.VerdictB || math.Abs(got[1].PA-1/(1+math.Exp(10))) > 1e-12 {
		t.Errorf("%+v", got)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
