package remote_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/remote"
	"github.com/oaif/oaif/oaif/remote/remotetest"
)

// The test binary asks the annotator that the first variable names, and keeps the answers where the
// second one says.
const (
	childSpec  = "OAIF_TEST_ASK"
	childCache = "OAIF_TEST_CACHE"
)

// killedQuestions are more than a child asks before it is killed.
const killedQuestions = 400

func TestMain(m *testing.M) {
	if path := os.Getenv(childSpec); path != "" {
		if err := askOneByOne(path, os.Getenv(childCache)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// askOneByOne writes the number of every question whose verdict is there.
func askOneByOne(specPath, cache string) error {
	s, err := annotator.Load(specPath)
	if err != nil {
		return err
	}
	llm, err := remote.Open(s, cache, false)
	if err != nil {
		return err
	}
	judge, err := annotator.New(s, llm)
	if err != nil {
		return err
	}
	for i, q := range questions(killedQuestions) {
		if _, err := judge.Annotate(context.Background(), []oaif.Question{q}); err != nil {
			return err
		}
		fmt.Println(i)
	}
	return llm.Close()
}

// TestCacheSurvivesKill kills a process that writes the cache, ten times at random moments. All
// that it had a verdict of is there, and the next one goes on.
func TestCacheSurvivesKill(t *testing.T) {
	t.Setenv("PLANTED_KEY", secret)
	server := httptest.NewServer(remotetest.Oracle)
	defer server.Close()
	s := spec(t, server.URL, 0)
	cache := filepath.Join(t.TempDir(), "answers")
	r := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		done := killAfter(t, s.Path(), cache, r.IntN(killedQuestions/2))
		llm, err := remote.Open(s, cache, true)
		if err != nil {
			t.Fatal(err)
		}
		judge, err := annotator.New(s, llm)
		if err != nil {
			t.Fatal(err)
		}
		prefs, err := judge.Annotate(context.Background(), questions(done))
		if err != nil {
			t.Fatalf("of %d answers: %v", done, err)
		}
		for i, q := range questions(done) {
			if prefs[i].Verdict != want(t, s, q) {
				t.Errorf("question %d: %+v", i, prefs[i])
			}
		}
		if err := llm.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter starts a process and kills it when it has said that so many questions are done, and
// returns how many it said in the end.
func killAfter(t *testing.T, specPath, cache string, after int) (done int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childSpec+"="+specPath, childCache+"="+cache)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			break // a line that was cut
		}
		if done = n + 1; done > after {
			_ = cmd.Process.Kill() // it may have ended
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process was not killed")
	}
	return done
}
