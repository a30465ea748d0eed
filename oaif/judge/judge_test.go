package judge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/judge"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/remote/remotetest"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

const pairwise = `
kind = "pairwise"
prompt = "{prompt}: {a} or {b}?"
`

// asked are two questions, of which one is put.
var asked = []oaif.Question{
	{Fields: map[string]string{"prompt": "p"}, A: "x", B: "yy"},
	{Fields: map[string]string{"prompt": "p"}, A: "x", B: "x"},
}

// language is the tiny model, ready to be asked.
func language(t *testing.T) *judge.Asked {
	t.Helper()
	file := modeltest.Open(t)
	v, err := vocab.Of(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	dev := torchtest.Open(t, 1)
	asked, err := judge.Load(dev, file, v, torch.Float32)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Do(asked.Close); err != nil {
			t.Error(err)
		}
	})
	return asked
}

// ask opens an annotator, puts the questions to it and closes it.
func ask(t *testing.T, spec *annotator.Spec, model *judge.Asked, o judge.Options) *judge.Judge {
	t.Helper()
	j, err := judge.New(context.Background(), spec, model, o)
	if err != nil {
		t.Fatal(err)
	}
	prefs, err := j.Annotate(context.Background(), asked)
	if err = errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
	if prefs[0].Verdict == oaif.VerdictInvalid || prefs[1].Reason != annotator.ReasonIdentical {
		t.Errorf("verdicts %+v", prefs)
	}
	if n := j.Prompts(); n != 2 {
		t.Errorf("%d prompts", n)
	}
	return j
}

func TestOnDevice(t *testing.T) {
	j := ask(t, remotetest.Spec(t, pairwise), language(t), judge.Options{})
	if j.Usage() != nil || j.Elsewhere() {
		t.Error("a model on the device is said to be elsewhere")
	}
}

// TestAtEndpoint: the name that verdicts are stored under is the model's, not the address's.
func TestAtEndpoint(t *testing.T) {
	var ids []string
	for _, answers := range []string{"logprobs", "logprobs", "text"} {
		server := httptest.NewServer(remotetest.Oracle)
		defer server.Close()
		spec := remotetest.Spec(t, fmt.Sprintf(
			"%s[remote]\nurl = %q\nmodel = \"m\"\nanswers = %q\n", pairwise, server.URL, answers))
		j := ask(t, spec, nil, judge.Options{})
		// The question, in two orders, and the one that finds out what the endpoint can do.
		if used := j.Usage(); used == nil || used.Requests != 3 || !j.Elsewhere() {
			t.Errorf("used %+v", used)
		}
		ids = append(ids, j.ID)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("ids %q", ids)
	}
}

func TestNoEndpoint(t *testing.T) {
	spec := remotetest.Spec(t, pairwise+
		"[remote]\nurl = \"http://127.0.0.1:1\"\nmodel = \"m\"\nretries = 0\n")
	if _, err := judge.New(context.Background(), spec, nil, judge.Options{}); !errors.Is(err,
		oaif.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}
