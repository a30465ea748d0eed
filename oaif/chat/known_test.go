package chat_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/chat"
)

// knownTemplates are the lines of known.txt by the hash of the template.
func knownTemplates(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("known.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		out[fields[0]] = fields
	}
	return out
}

// Models' own templates are rendered as transformers renders them. The templates are not this
// project's to distribute: those that come with the module of the Jinja engine are compared, and
// those in the folder that TEMPLATES names.
func TestKnownTemplatesRenderAsTransformers(t *testing.T) {
	folders := []string{"testdata", os.Getenv("TEMPLATES")}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/ardanlabs/jinja").
		Output()
	if err == nil {
		module := strings.TrimSpace(string(dir))
		folders = append(folders, filepath.Join(module, "testdata", "templates"))
	}
	chats := allChats(t)
	known := knownTemplates(t)
	compared := 0
	for _, folder := range folders {
		paths, err := filepath.Glob(filepath.Join(folder, "*.jinja"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if line := known[hash(strings.TrimSuffix(string(b), "\n"))]; line != nil {
				compared++
				compareAll(t, string(b), chats, line)
			}
		}
	}
	if compared == 0 {
		t.Error("not one known template is at hand")
	}
	t.Logf("%d known templates compared", compared)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// allChats are the chats of the golden file, each once, in order.
func allChats(t *testing.T) (out []golden) {
	t.Helper()
	all := readGolden(t)
	for _, g := range all {
		if g.Template == all[0].Template {
			out = append(out, g)
		}
	}
	return out
}

func compareAll(t *testing.T, source string, chats []golden, line []string) {
	t.Helper()
	tmpl := compile(t, source, chat.Options{BOS: "<bos>", EOS: "<eos>"})
	if tmpl.Name() != line[2] {
		t.Errorf("%s is known as %q", line[2], tmpl.Name())
	}
	var texts []string
	for _, g := range chats {
		text, err := tmpl.Render(g.messages(), g.Generate)
		if err != nil {
			text = "refused"
		}
		texts = append(texts, text)
	}
	if hash(strings.Join(texts, "\x00")) != line[1] {
		t.Errorf("%s: a rendering differs from transformers'", line[2])
	}
}
