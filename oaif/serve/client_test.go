package serve_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// OpenAI's own client understands what it gets. bench/serve/client.py has what it asks.
func TestTheOfficialClient(t *testing.T) {
	packages, err := filepath.Abs("../../third_party/serve/dist/packages")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(packages, "openai")); err != nil {
		t.Skipf("OpenAI's Python client is not there (make client): %v", err)
	}
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "python3"
	}
	s := open(t, options(), 4, 32)
	cmd := exec.Command(python, "../../bench/serve/client.py", "--url", s.url+"/v1",
		"--name", "tiny")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages, "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
