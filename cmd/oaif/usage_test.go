package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// run runs the program in this process, as main does.
func run(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	app := newApp(strings.NewReader(""), &out, &errs)
	err := app.RunContext(context.Background(), flagsFirst(app, append([]string{"oaif"}, args...)))
	return exitStatus(&errs, err), out.String(), errs.String()
}

// TestUsageErrors: what cannot be a command line ends with status 2 and one line that names what
// was wrong, and what was probably meant.
func TestUsageErrors(t *testing.T) {
	t.Setenv("OAIF_TEST_PADDED", "secret\n")
	for _, test := range []struct{ args, want string }{
		{"tokenise", `unknown command "tokenise"; did you mean "tokenize"?`},
		{"zzz", `unknown command "zzz" (oaif --help lists all)`},
		{"--modle x", "unknown flag --modle (oaif --help"},
		{"tokenize --modle model", "tokenize: unknown flag --modle; did you mean --model?"},
		{"tokenize --bogus", "tokenize: unknown flag --bogus ("},
		{"tokenize", "tokenize: wants --model"},
		{"tokenize --model", "tokenize: flag needs an argument: --model"},
		{"tokenize --model model stray", `tokenize: unexpected argument "stray"`},
		{"tokenize stray --model model", `tokenize: unexpected argument "stray"`},
		{"tokenize --model m --device gpu",
			`tokenize: --device: wants "auto", "cpu", "cuda" or "cuda:N", got "gpu"`},
		{"score --model m --threads many",
			`score: invalid value "many" for flag --threads: parse error`},
		{"score --model m --threads -1", "score: --threads: wants at least 0, got -1"},
		{"score --model m --threads 1025", "score: --threads: wants at most 1024, got 1025"},
		{"doctor --threads 1025", "doctor: --threads: wants at most 1024, got 1025"},
		{"score --model m --dtype float16",
			`score: --dtype: wants one of "auto", "float32", "bfloat16", got "float16"`},
		{"sample --model m --temperature -1",
			"sample: --temperature: wants 0 or a number in [0.001,1000], got -1"},
		{"sample --model m --temperature 0.0001",
			"sample: --temperature: wants 0 or a number in [0.001,1000], got 0.0001"},
		{"eval --model m --baseline m --prompts p --annotator a --out o --temperature 1001",
			"eval: --temperature: wants 0 or a number in [0.001,1000], got 1001"},
		{"sample --model m --temperature NaN",
			"sample: --temperature: wants 0 or a number in [0.001,1000], got NaN"},
		{"sample --model m --top-p 0", "sample: --top-p: wants a number in (0,1], got 0"},
		{"sample --model m --top-k -1", "sample: --top-k: wants at least 0, got -1"},
		{"sample --model m --top-k 2147483648",
			"sample: --top-k: wants at most 2147483647, got 2147483648"},
		{"sample --model m --max-new-tokens 0",
			"sample: --max-new-tokens: wants at least 1, got 0"},
		{"sample --model m --min-new-tokens -1",
			"sample: --min-new-tokens: wants at least 0, got -1"},
		{"sample --model m --min-new-tokens 9 --max-new-tokens 8",
			"sample: --min-new-tokens: wants at most --max-new-tokens, 8, got 9"},
		{"sample --model m --seed -1", "sample: --seed: wants at least 0, got -1"},
		{"sample --model m --n 0", "sample: --n: wants at least 1, got 0"},
		{"sample --model m --n 1048577", "sample: --n: wants at most 1048576, got 1048577"},
		{"serve", "serve: wants --model"},
		{"serve --model m --listen 8000", `serve: --listen: wants HOST:PORT, got "8000"`},
		{"serve --model m --listen 0.0.0.0:0",
			`serve: --listen: other machines reach "0.0.0.0:0", so it wants a --token-env`},
		{"serve --model m --token-env OAIF_NO_SUCH_VARIABLE",
			"serve: --token-env: OAIF_NO_SUCH_VARIABLE is not set"},
		{"serve --model m --token-env OAIF_TEST_PADDED",
			"serve: --token-env: OAIF_TEST_PADDED has spaces at its ends, or what no " +
				"header can have"},
		{"serve --model m --slots 0", "serve: --slots: wants at least 1, got 0"},
		{"serve --model m --timeout 0s", "serve: --timeout: wants a time such as 30s, got 0s"},
		{"annotate --model m", "annotate: wants --annotator"},
		{"annotate --annotator a --report r.txt",
			`annotate: --report: wants a file that ends in .json or .md, got "r.txt"`},
		{"annotate --annotator a --report r.md --report ./r.md",
			"annotate: --report: r.md is to be written twice"},
		{"annotate --annotator a --dry-run --report r.md",
			"annotate: --report has no effect with --dry-run"},
		{"annotate --annotator a --out r.json --report r.json",
			"annotate: --report: r.json is to be written twice"},
		{"eval --model m", "eval: wants --baseline"},
		{"train", "train: wants one configuration file"},
		{"train a.toml b.toml", `train: unexpected argument "b.toml"`},
		{"train nowhere.toml", "config file nowhere.toml: no such file or directory"},
		{"train a.toml --out", "train: flag needs an argument: --out"},
		{"report", "report: wants a run folder"},
		{"report one two", `report: unexpected argument "two"`},
		{"completion tcsh", `completion: no script for "tcsh"`},
	} {
		status, stdout, stderr := run(strings.Fields(test.args)...)
		if status != statusUsage || stdout != "" ||
			!strings.HasPrefix(stderr, "oaif: "+test.want) ||
			strings.Count(stderr, "\n") != 1 {
			t.Errorf("oaif %s:\nstatus %d, stdout %q\n got %swant oaif: %s...",
				test.args, status, stdout, stderr, test.want)
		}
	}
}

// TestHelp: every command teaches with an example of itself, on standard output.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}} {
		status, stdout, stderr := run(args...)
		if status != 0 || stderr != "" ||
			!strings.Contains(stdout, "oaif train configs/demo.toml") {
			t.Errorf("oaif %v: status %d, %q, %q", args, status, stdout, stderr)
		}
	}
	for _, c := range newApp(nil, nil, nil).Commands {
		status, stdout, stderr := run(c.Name, "--help")
		_, example, ok := strings.Cut(stdout, "Example:")
		if status != 0 || stderr != "" || !ok || !strings.Contains(example, "oaif "+c.Name) {
			t.Errorf("oaif %s --help: status %d, stderr %q, no example in:\n%s", c.Name, status,
				stderr, stdout)
		}
		for _, line := range strings.Split(c.Description, "\n") {
			if len(line) > 80 {
				t.Errorf("oaif %s --help: over 80 columns: %s", c.Name, line)
			}
		}
	}
}

func TestFlagsFirst(t *testing.T) {
	app := newApp(nil, nil, nil)
	for _, test := range []struct{ args, want string }{
		{"oaif", "oaif"},
		{"oaif --help", "oaif --help"},
		{"oaif nothing a --b", "oaif nothing a --b"},
		{"oaif train C --out D --resume", "oaif train --out D --resume -- C"},
		{"oaif train --out D C --set a=b", "oaif train --out D --set a=b -- C"},
		{"oaif train C --set=a=b --set x=y", "oaif train --set=a=b --set x=y -- C"},
		{"oaif train --resume C", "oaif train --resume -- C"},
		{"oaif train --resume -- --C", "oaif train --resume -- --C"},
		{"oaif score --threads -1 --in -", "oaif score --threads -1 --in - --"},
		{"oaif train C --out", "oaif train --out"},
		{"oaif train C --ou --generate-bash-completion",
			"oaif train C --ou --generate-bash-completion"},
	} {
		got := strings.Join(flagsFirst(app, strings.Fields(test.args)), " ")
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.args, got, test.want)
		}
	}
}

// TestOneLine: one line, whatever the error's text.
func TestOneLine(t *testing.T) {
	status, _, stderr := run("train", "testdata/two.toml")
	want := "oaif: testdata/two.toml: train.stps: unknown key; did you mean train.steps?; " +
		"testdata/two.toml: loss.kind: wants a string, got the integer 1\n"
	if status != statusUsage || stderr != want {
		t.Errorf("status %d\n got %swant %s", status, stderr, want)
	}
}
