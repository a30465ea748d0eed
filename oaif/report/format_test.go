package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNumbersForPeople(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1: "1", .5: "0.5", 2.0 / 3: "0.667",
		12.345: "12.3", 123.4: "123", -7.104: "-7.1", 100: "100", 9999: "9,999",
		1234567: "1,234,567", 1e-5: "1e-05", .00123: "0.00123", 3.2e9: "3.2e+09",
		-1500: "-1,500"} {
		if got := number(x); got != want {
			t.Errorf("number(%v) = %q, want %q", x, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 12: "12", 123: "123", 1234: "1,234", -123: "-123",
		123456: "123,456", -1234567: "-1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	for s, want := range map[float64]string{.25: "0.25 s", 59: "59 s", 60: "1 min 00 s",
		3599.4: "59 min 59 s", 3600: "1 h 00 min", 90_000: "25 h 00 min"} {
		if got := duration(s); got != want {
			t.Errorf("duration(%v) = %q, want %q", s, got, want)
		}
	}
	for b, want := range map[float64]string{2.5e7: "25 MB", 3.1e9: "3.1 GB", 1.2e8: "0.12 GB"} {
		if got := gigabytes(b); got != want {
			t.Errorf("gigabytes(%v) = %q, want %q", b, got, want)
		}
	}
}

func TestChecksAreFlattened(t *testing.T) {
	got := flatten("", map[string]any{"b_c": map[string]any{"d": nil, "e": []any{1.5, "x"}},
		"a": true, "f": []any{map[string]any{"word": "warm", "share": .25}}, "g": ""})
	want := []fact{{"a", "yes", ""}, {"b c · d", "–", ""}, {"b c · e", "1.5, x", ""},
		{"f", "share 0.25 word warm", ""}, {"g", "–", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTicksAreRoundAndInside(t *testing.T) {
	for _, test := range []struct {
		lo, hi float64
		whole  bool
		want   []string
	}{
		{0, 1, false, []string{"0", "0.2", "0.4", "0.6", "0.8", "1"}},
		{.36, .71, false, []string{"0.4", "0.5", "0.6", "0.7"}},
		{-1.2, .9, false, []string{"-1", "-0.5", "0", "0.5"}},
		{0, 25, true, []string{"0", "5", "10", "15", "20", "25"}},
		{3, 5, true, []string{"3", "4", "5"}},
		{0, 60_000, true, []string{"0", "20k", "40k", "60k"}},
		{0, 4e6, false, []string{"0", "1M", "2M", "3M", "4M"}},
		{0, 1e-5, false, []string{"0", "2e-06", "4e-06", "6e-06", "8e-06", "1e-05"}},
	} {
		var got []string
		for _, tick := range (ticks{test.whole}).Ticks(test.lo, test.hi) {
			got = append(got, tick.Label)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("from %v to %v: %s", test.lo, test.hi, diff)
		}
	}
}

func TestChartsOfExtremeNumbers(t *testing.T) {
	for _, y := range [][]float64{{0}, {1, 1}, {-1e300, 1e300}, {1e-300, 2e-300}, {1e15, 1e15 + 1},
		{5, 5, 5, 7}, {0, 0, 0, 0}} {
		x := []float64{3, 4, 5, 6}[:len(y)]
		for _, k := range []kind{solid, dashed, dots, bars} {
			for _, ax := range []axes{free, zero, share} {
				if _, err := svg([]series{{kind: k, x: x, y: y}}, ax); err != nil {
					t.Errorf("%v, kind %d: %v", y, k, err)
				}
			}
		}
	}
}
