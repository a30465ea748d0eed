// Package bench holds scripts that compare oaif with other programs; this test holds README and
// docs to the code, so that what they name is there.
package bench_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeIsShort: at most 150 lines, and both commands by line 20.
func TestReadmeIsShort(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(read(t, "README.md"), "\n"), "\n")
	if len(lines) > 150 {
		t.Errorf("README.md has %d lines, at most 150 are wanted", len(lines))
	}
	top := strings.Join(lines[:20], "\n")
	for _, want := range []string{
		"make demo", "make test", "prompts -> sampler -> annotator -> loss",
	} {
		if !strings.Contains(top, want) {
			t.Errorf("README.md does not have %q by line 20", want)
		}
	}
}

// TestReadmeNamesFunctions: each function of "Reading the source" is in the file that is named.
func TestReadmeNamesFunctions(t *testing.T) {
	_, list, _ := strings.Cut(read(t, "README.md"), "## Reading the source")
	found := regexp.MustCompile(
		"(?m)^[0-9]\\. `(\\w+)` in `([^`]+)`").FindAllStringSubmatch(list, -1)
	if len(found) != 7 {
		t.Fatalf("README.md names %d functions to read, wants 7", len(found))
	}
	for _, f := range found {
		name, file := f[1], f[2]
		definition := regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\(`)
		if strings.HasSuffix(file, ".cc") {
			definition = regexp.MustCompile(`(?m)^[\w:]+ ` + name + `\(`)
		}
		if !definition.MatchString(read(t, file)) {
			t.Errorf("README.md sends readers to %s in %s, where it is not", name, file)
		}
	}
}

// TestLinksLead: relative links between the documents lead to files.
func TestLinksLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^):#]+)\)`)
	for _, name := range []string{
		"README.md", "CONTRIBUTING.md", "bench/README.md", "bench/RESULTS.md",
		"docs/architecture.md", "docs/annotators.md", "docs/run-folder.md", "docs/serve.md",
	} {
		for _, m := range link.FindAllStringSubmatch(read(t, name), -1) {
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
			}
		}
	}
}

// TestFieldsAreDocumented: every field that a run writes, and every key of an annotator, is
// described.
func TestFieldsAreDocumented(t *testing.T) {
	for source, c := range map[string]struct{ tag, doc string }{
		"oaif/trainer/records.go":  {"json", "docs/run-folder.md"},
		"oaif/trainer/summary.go":  {"json", "docs/run-folder.md"},
		"oaif/eval/evaluate.go":    {"json", "docs/run-folder.md"},
		"oaif/eval/checks.go":      {"json", "docs/run-folder.md"},
		"oaif/oaif.go":             {"json", "docs/run-folder.md"},
		"oaif/annotator/spec.go":   {"toml", "docs/annotators.md"},
		"oaif/annotator/remote.go": {"toml", "docs/annotators.md"},

		"oaif/annotator/report.go":   {"json", "docs/annotators.md"},
		"oaif/annotator/usage.go":    {"json", "docs/annotators.md"},
		"oaif/annotator/position.go": {"json", "docs/annotators.md"},
		"oaif/stats/share.go":        {"json", "docs/annotators.md"},
		"oaif/stats/calibration.go":  {"json", "docs/annotators.md"},
		"oaif/serve/request.go":      {"json", "docs/serve.md"},
		"oaif/serve/completion.go":   {"json", "docs/serve.md"},
		"oaif/serve/chat.go":         {"json", "docs/serve.md"},
	} {
		tags := regexp.MustCompile(c.tag+`:"([a-z]\w*)`).FindAllStringSubmatch(read(t, source), -1)
		if len(tags) == 0 {
			t.Errorf("%s has no %s tags any more", source, c.tag)
		}
		doc := read(t, c.doc)
		for _, tag := range tags {
			if name := tag[1]; name != "role" && name != "content" &&
				!regexp.MustCompile("`([a-z_.]+\\.)?"+name+"[`.]").MatchString(doc) {
				t.Errorf("%s does not describe %s of %s", c.doc, name, source)
			}
		}
	}
}

// TestMetricsAreDocumented: every metric and flag of the server is described.
func TestMetricsAreDocumented(t *testing.T) {
	doc := read(t, "docs/serve.md")
	for source, name := range map[string]string{
		"oaif/serve/metrics.go": `"(oaif_\w+)"`, "cmd/oaif/serve.go": `Flag{Name: "([a-z-]+)"`,
	} {
		found := regexp.MustCompile(name).FindAllStringSubmatch(read(t, source), -1)
		if len(found) < 7 {
			t.Errorf("%s names %d", source, len(found))
		}
		for _, f := range found {
			if !strings.Contains(doc, "`"+f[1]+"`") && !strings.Contains(doc, "`--"+f[1]+"`") {
				t.Errorf("docs/serve.md does not describe %s of %s", f[1], source)
			}
		}
	}
}
