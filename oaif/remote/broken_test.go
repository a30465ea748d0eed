package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/remote"
)

// TestBrokenCache: a cache that was cut off or written over is an error that names it, not a crash.
func TestBrokenCache(t *testing.T) {
	e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) {
		ranked(w, map[string]float64{"1": -.1, "2": -3})
	})
	var prompts []annotator.Prompt
	for i := range 300 {
		prompts = append(prompts, annotator.Prompt{Text: fmt.Sprint(i), Chat: true})
	}
	path := filepath.Join(t.TempDir(), "whole")
	ask := func(path string, sealed bool) error {
		cache, err := remote.OpenCache(path, sealed)
		if err != nil {
			return err
		}
		lm := remote.NewLM(client(t, e, cache, nil), false)
		_, err = lm.NextLogprobs(context.Background(), prompts, []string{"1", "2"})
		return errors.Join(err, cache.Close())
	}
	if err := ask(path, false); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pages := os.Getpagesize() * 4 // what describes the file comes first
	over := append(bytes.Clone(whole[:pages]),
		bytes.Repeat([]byte{0xff}, len(whole)-pages)...)
	for name, text := range map[string][]byte{"cut": whole[:pages], "written over": over} {
		for _, sealed := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "answers")
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			err := ask(path, sealed)
			if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), path+": ") ||
				!strings.Contains(err.Error(), "is broken, delete it") {
				t.Errorf("%s, sealed %v: error %v", name, sealed, err)
			}
		}
	}
}
