package weights

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestRopeScalingFollowsTransformers compares with what transformers computes in float32.
func TestRopeScalingFollowsTransformers(t *testing.T) {
	text, err := os.ReadFile("testdata/rope.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Config        map[string]json.RawMessage
		Head, Context int
		Factors       []float64
		Magnitude     float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, want := range cases {
		name := string(want.Config["rope_scaling"])
		c := Config{HeadDim: want.Head, Context: want.Context}
		readRope(t, &c, want.Config)
		for i, f := range want.Factors {
			got := 1.0
			if c.RopeFactors != nil {
				got = float64(c.RopeFactors[i])
			}
			if math.Abs(got-f) > 5e-6*f {
				t.Errorf("%s: frequency %d is divided by %v, in transformers by %v", name, i, got,
					f)
			}
		}
		if got := orElse(c.RopeMagnitude, 1); math.Abs(got-want.Magnitude) > 1e-6 {
			t.Errorf("%s: magnitude %v, in transformers %v", name, got, want.Magnitude)
		}
		checkWritten(t, name, c)
	}
}

// checkWritten: the settings are read back as they are written.
func checkWritten(t *testing.T, name string, c Config) {
	t.Helper()
	written, err := json.Marshal(map[string]any{"rope_scaling": c.RopeScaling.toHF(),
		"rope_theta": c.RopeTheta})
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(written, &raw); err != nil {
		t.Fatal(err)
	}
	back := Config{HeadDim: c.HeadDim, Context: c.Context}
	if readRope(t, &back, raw); *back.RopeScaling != *c.RopeScaling {
		t.Errorf("%s: written as %s", name, written)
	}
}

func readRope(t *testing.T, c *Config, raw map[string]json.RawMessage) {
	t.Helper()
	k := &hfKeys{path: "config.json", raw: raw}
	k.rope(c, 1)
	k.refuseUnread()
	if k.err != nil {
		t.Fatal(k.err)
	}
	if err := c.applyScaling("config.json"); err != nil {
		t.Fatal(err)
	}
}
