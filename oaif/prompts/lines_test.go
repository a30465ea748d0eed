package prompts_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/prompts"
)

type numbered struct {
	Number int
	Text   string
}

// read returns all lines of r and the error that ended them.
func read(r io.Reader) ([]numbered, error) {
	var all []numbered
	for line, err := range prompts.Lines(r, "F") {
		if err != nil {
			return all, err
		}
		all = append(all, numbered{line.Number, string(line.Data)})
	}
	return all, nil
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	tests := []struct {
		name, text string
		want       []numbered
	}{
		{"empty", "", nil},
		{"no last end", "{}\n[]", []numbered{{1, "{}"}, {2, "[]"}}},
		{"CRLF", "{}\r\n[]\r\n", []numbered{{1, "{}"}, {2, "[]"}}},
		{"BOM", "\xef\xbb\xbf{}\n", []numbered{{1, "{}"}}},
		{"BOM alone", "\xef\xbb\xbf", nil},
		{"BOM later is text", "a\n\xef\xbb\xbfb", []numbered{{1, "a"}, {2, "\ufeffb"}}},
		{"blank lines", "\n{}\n \t\r\n\n[]\n\n", []numbered{{2, "{}"}, {5, "[]"}}},
		{"CR inside", "a\rb\n", []numbered{{1, "a\rb"}}},
		{"long", long + "\n" + long, []numbered{{1, long}, {2, long}}},
	}
	for _, test := range tests {
		got, err := read(iotest.HalfReader(strings.NewReader(test.text)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestLinesKeepTheirData(t *testing.T) {
	var kept [][]byte
	for line, err := range prompts.Lines(strings.NewReader("one\ntwo\n"), "F") {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, line.Data)
	}
	if string(kept[0]) != "one" || string(kept[1]) != "two" {
		t.Errorf("lines were overwritten: %q", kept)
	}
}

func TestLinesStopEarly(t *testing.T) {
	for line, err := range prompts.Lines(strings.NewReader("a\nb\xff\n"), "F") {
		if err != nil {
			t.Fatal(err)
		}
		if line.Number != 1 {
			t.Fatalf("went on to line %d after break", line.Number)
		}
		break
	}
}

func TestLinesErrors(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errors.New("disk gone")))
	tests := []struct {
		r    io.Reader
		want string
	}{
		{strings.NewReader("a\n\nb\xc3(\nc\n"), "F:3: invalid UTF-8 at byte 2"},
		{strings.NewReader("\xef\xbb\xbf\xed\xa0\x80"), "F:1: invalid UTF-8 at byte 1"},
		{strings.NewReader("\xff\xfe{\x00"), "F:1: invalid UTF-8 at byte 1"},
		{broken, "F:2: cannot read: disk gone"},
	}
	for _, test := range tests {
		_, err := read(test.r)
		if err == nil || err.Error() != test.want || !errors.Is(err, oaif.ErrData) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{"n": 1`, "F:7: broken JSON at byte 7: unexpected end of JSON input"},
		{`{"n": 1} x`, "F:7: broken JSON at byte 10: invalid character 'x' after top-level value"},
		{`{n: 1}`, "F:7: broken JSON at byte 2: invalid character 'n' " +
			"looking for beginning of object key string"},
		{`[1]`, "F:7: wants a JSON object, got array"},
		{`{"n": "x"}`, `F:7: "n" wants a JSON number, got string`},
		{`{"n": 1.5}`, `F:7: "n" wants a plain integer, got 1.5`},
		{`{"n": 1.0}`, `F:7: "n" wants a plain integer, got 1.0`},
		{`{"n": 10000000000000000000}`, `F:7: "n" is out of range: 10000000000000000000`},
		{`{"x": 1e999}`, `F:7: "x" is out of range: 1e999`},
		{`{"list": [1, 1e3]}`, `F:7: "list" wants a plain integer, got 1e3`},
		{`{"word": 1.5}`, `F:7: "word" wants a JSON string, got number`},
		{`{"list": 1}`, `F:7: "list" wants a JSON array, got number`},
		{`{"sub": 1}`, `F:7: "sub" wants a JSON object, got number`},
		{`{"yes": 1}`, `F:7: "yes" wants a JSON boolean, got number`},
		{`{"word": []}`, `F:7: "word" wants a JSON string, got array`},
	}
	for _, test := range tests {
		var v struct {
			N    int            `json:"n"`
			X    float64        `json:"x"`
			List []int          `json:"list"`
			Sub  map[string]int `json:"sub"`
			Yes  bool           `json:"yes"`
			Word string         `json:"word"`
		}
		err := prompts.Line{Name: "F", Number: 7, Data: []byte(test.text)}.Decode(&v)
		if err == nil || err.Error() != test.want || !errors.Is(err, oaif.ErrData) {
			t.Errorf("%s:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}
