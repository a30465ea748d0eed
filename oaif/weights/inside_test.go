package weights_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/oaif/oaif/oaif/weights"
)

// replaced returns a copy of a folder in which make made the file name anew.
func replaced(t *testing.T, folder, name string, make func(path string) error) string {
	t.Helper()
	dir := copyFolder(t, "testdata/"+folder)
	path := filepath.Join(dir, name)
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := make(path); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestFoldersAreNotLeft: a link out of the folder, a pipe and a device are refused unread.
func TestFoldersAreNotLeft(t *testing.T) {
	all, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	const shard = "model-00003-of-00003.safetensors"
	for _, c := range []struct{ folder, name string }{
		{"hf4", "config.json"}, {"hf4", "model.safetensors"}, {"hf5", "config.json"},
		{"hf5", "generation_config.json"}, {"hf5", shard}, {"hf5", "model.safetensors.index.json"},
		{"hf4", "tokenizer.json"}, {"hf4", "tokenizer_config.json"}, {"hf4", "chat_template.jinja"},
	} {
		link := func(to string) string {
			return replaced(t, c.folder, c.name, func(p string) error { return os.Symlink(to, p) })
		}
		for dir, want := range map[string]string{
			link(filepath.Join(all, "golden.json")): "leads out of the folder",
			link("/dev/zero"):                       "leads out of the folder",
			replaced(t, c.folder, c.name, func(path string) error {
				return syscall.Mkfifo(path, 0o600)
			}): "not a regular file",
			replaced(t, c.folder, c.name, func(path string) error {
				return os.Mkdir(path, 0o700)
			}): "not a regular file",
		} {
			_, err := weights.Open(dir)
			wantDataError(t, err, filepath.Join(dir, c.name), want)
		}
	}
	pipe := filepath.Join(t.TempDir(), "m.gguf")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = weights.Open(pipe)
	wantDataError(t, err, pipe, "not a regular file")
}

// TestHubFoldersAreOpened: the hub's cache keeps files in blobs, and links to them.
func TestHubFoldersAreOpened(t *testing.T) {
	hub := t.TempDir()
	dir, blobs := filepath.Join(hub, "snapshots", "x"), filepath.Join(hub, "blobs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(blobs, os.DirFS("testdata/hf4")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "model.safetensors"} {
		if err := os.Symlink("../../blobs/"+name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := readAll(t, dir); err != nil {
		t.Error(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := readAll(t, link); err != nil {
		t.Error(err)
	}
}

// TestLayersAreBoundByTensors: a number of layers costs nothing before the tensors are there.
func TestLayersAreBoundByTensors(t *testing.T) {
	dir := copyFolder(t, "testdata/hf4")
	edit(t, filepath.Join(dir, "config.json"), map[string]any{"num_hidden_layers": 4096})
	_, err := weights.Open(dir)
	wantDataError(t, err, dir, "has 12 tensors, too few for 4096 layers")
	b := one()
	b.values["llama.block_count"] = uint32(4096)
	path := writeTemp(t, "m.gguf", b.bytes())
	if _, err = weights.Open(path); err == nil || !strings.Contains(err.Error(), "4096 layers") {
		t.Errorf("%v", err)
	}
}
