package oaif_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module  = "github.com/oaif/oaif/"
	gotorch = "github.com/wangkuiyi/gotorch"
)

// mayImport is the house's plan: the packages of this module that each package may import, down
// to the one without cgo. A package that is not named here fails the test.
var mayImport = map[string][]string{
	"oaif":                   {},
	"oaif/config":            {"oaif", "oaif/tomlfile"},
	"oaif/tomlfile":          {"oaif"},
	"oaif/stats":             {},
	"oaif/fuzztest":          {},
	"oaif/paritytest":        {},
	"oaif/prompts":           {"oaif"},
	"oaif/tokenizer":         {"oaif"},
	"oaif/chat":              {"oaif"},
	"oaif/weights":           {"oaif"},
	"oaif/vocab":             {"oaif", "oaif/chat", "oaif/tokenizer", "oaif/weights"},
	"oaif/annotator":         {"oaif", "oaif/stats", "oaif/tomlfile"},
	"oaif/remote":            {"oaif", "oaif/annotator"},
	"oaif/remote/remotetest": {"oaif/annotator"},
	"oaif/judge": {
		"oaif", "oaif/annotator", "oaif/command", "oaif/lexicon", "oaif/lm", "oaif/model",
		"oaif/remote", "oaif/vocab", "oaif/weights", "torch",
	},
	"oaif/command":         {"oaif", "oaif/annotator"},
	"oaif/lexicon":         {"oaif", "oaif/annotator"},
	"oaif/checkpoint":      {"oaif"},
	"oaif/report":          {"oaif", "oaif/annotator", "oaif/checkpoint", "oaif/prompts"},
	"torch":                {},
	"torch/torchtest":      {"torch"},
	"oaif/loss":            {"torch"},
	"oaif/model":           {"oaif", "oaif/weights", "torch"},
	"oaif/lm":              {"oaif", "oaif/model", "oaif/vocab"},
	"oaif/sampler":         {"oaif", "oaif/model", "torch"},
	"oaif/engine":          {"oaif", "oaif/model", "oaif/sampler", "torch"},
	"oaif/serve":           {"oaif", "oaif/engine", "oaif/tokenizer", "oaif/vocab"},
	"oaif/model/modeltest": {"oaif/weights"},
	"oaif/eval": {
		"oaif", "oaif/lexicon", "oaif/model", "oaif/sampler", "oaif/stats", "torch",
	},
	"oaif/trainer": {
		"oaif", "oaif/annotator", "oaif/chat", "oaif/checkpoint", "oaif/config", "oaif/eval",
		"oaif/judge", "oaif/lexicon", "oaif/lm", "oaif/loss", "oaif/model", "oaif/prompts",
		"oaif/remote",
		"oaif/report", "oaif/sampler", "oaif/tokenizer", "oaif/vocab", "oaif/weights", "torch",
	},
}

// withCgo are the packages that libtorch comes with; every other one works with CGO_ENABLED=0.
var withCgo = []string{
	"torch", "oaif/loss", "oaif/model", "oaif/lm", "oaif/judge", "oaif/sampler", "oaif/engine",
	"oaif/serve", "oaif/eval", "oaif/trainer", "cmd", "bench",
}

// below reports whether path is one of the folders or lies in one.
func below(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		return path == f || strings.HasPrefix(path, f+"/")
	})
}

// checkImports returns a line for every import of package path that the plan does not have. The
// commands may import everything. deps are all imports, direct or not.
func checkImports(path string, imports, deps []string) []string {
	allowed, known := mayImport[path]
	commands := below(path, "cmd", "bench")
	if !known && !commands {
		return []string{path + " is not in the plan of layers: name it in layering_test.go"}
	}
	var wrong []string
	for _, imp := range imports {
		ours, isOurs := strings.CutPrefix(imp, module)
		switch {
		case isOurs && !commands && !slices.Contains(allowed, ours):
			wrong = append(wrong, path+" imports "+ours)
		case below(imp, gotorch) && path != "torch" && path != "oaif/loss":
			wrong = append(wrong, path+" imports "+imp)
		case path == "oaif" && strings.Contains(imp, "."):
			wrong = append(wrong, path+" imports "+imp+", and may import the standard library only")
		}
	}
	if !below(path, withCgo...) {
		for _, dep := range deps {
			if dep == module+"torch" || below(dep, gotorch) {
				wrong = append(wrong, path+" must work without cgo and depends on "+dep)
			}
		}
	}
	return wrong
}

// bannedFromGotorch are its calls that collect garbage by waiting for finalizers, which hang once
// a finalizer was cleared, and its optimizers, which are not guarded against C++ exceptions.
var bannedFromGotorch = []string{
	"GC", "FinishGC", "SetTensorFinalizer", "SGD", "Adam", "Optimizer",
}

// checkFile returns a line for `import "C"` outside torch/ and for banned uses of gotorch.
func checkFile(path string, file *ast.File) []string {
	var wrong []string
	name := ""
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		switch {
		case err != nil:
			wrong = append(wrong, path+": "+err.Error())
		case imp == "C" && !below(path, "torch"):
			wrong = append(wrong, path+` has import "C", which belongs to torch/`)
		case imp == gotorch && spec.Name == nil:
			name = "gotorch"
		case imp == gotorch && spec.Name.Name == ".":
			wrong = append(wrong, path+" imports gotorch by dot")
		case imp == gotorch:
			name = spec.Name.Name
		case below(imp, gotorch+"/nn", gotorch+"/optim"):
			wrong = append(wrong, path+" imports "+imp)
		}
	}
	if name != "" {
		wrong = append(wrong, checkGotorch(path, name, file)...)
	}
	return wrong
}

// checkGotorch returns a line for every banned use of gotorch, imported as name, and outside tests
// for every call of it whose result is not at once the argument of Adopt.
func checkGotorch(path, name string, file *ast.File) []string {
	var wrong []string
	adopted := map[ast.Expr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if isFrom(n, name) && slices.Contains(bannedFromGotorch, n.Sel.Name) {
				wrong = append(wrong, path+" uses gotorch."+n.Sel.Name)
			}
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			if ok && f.Sel.Name == "Adopt" && len(n.Args) == 1 {
				adopted[n.Args[0]] = true
			}
			if ok && isFrom(f, name) && !adopted[n] && !strings.HasSuffix(path, "_test.go") {
				wrong = append(wrong, path+" does not adopt the result of gotorch."+f.Sel.Name)
			}
		}
		return true
	})
	return wrong
}

// isFrom reports whether sel is name.Something.
func isFrom(sel *ast.SelectorExpr, name string) bool {
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == name
}

// TestImportsFollowThePlan asks the go command what every package imports.
func TestImportsFollowThePlan(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = ".."
	// The packages with cgo are to be listed when this test itself runs without.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); seen++ {
		var p struct {
			ImportPath    string
			Imports, Deps []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		path := strings.TrimPrefix(p.ImportPath, module)
		for _, w := range checkImports(path, p.Imports, p.Deps) {
			t.Error(w)
		}
	}
	if seen < 2 {
		t.Fatalf("go list named %d packages", seen)
	}
}

// TestFilesFollowThePlan reads every Go file, those left out by build constraints and tests too.
// (Reading them also tells the go command's test cache that both tests depend on all of them.)
func TestFilesFollowThePlan(t *testing.T) {
	root := os.DirFS("..")
	seen := 0
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && below(path, "third_party", "build", "bin", "runs", ".git") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		seen++
		src, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, w := range checkFile(path, file) {
			t.Error(w)
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("read %d files: %v", seen, err)
	}
}

// TestPlanCatches shows that each rule can fail.
func TestPlanCatches(t *testing.T) {
	for _, c := range []struct {
		path    string
		imports []string
		want    int
	}{
		{"oaif/config", []string{module + "oaif", "github.com/BurntSushi/toml"}, 0},
		{"oaif/config", []string{module + "oaif/prompts"}, 1},
		{"oaif/report", []string{module + "oaif/trainer"}, 1},
		{"oaif/sampler", []string{module + "oaif/annotator"}, 1},
		{"oaif/model", []string{gotorch}, 1},
		{"oaif/loss", []string{gotorch, module + "torch"}, 0},
		{"oaif/chat", []string{module + "torch"}, 2}, // against the table, and cgo
		{"oaif", []string{"github.com/BurntSushi/toml"}, 1},
		{"oaif/helpers", nil, 1},
		{"cmd/oaif", []string{module + "oaif/trainer", module + "torch"}, 0},
	} {
		if got := checkImports(c.path, c.imports, c.imports); len(got) != c.want {
			t.Errorf("%s importing %v: %d findings, want %d: %v", c.path, c.imports, len(got),
				c.want, got)
		}
	}
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"oaif/loss/x.go", fmt.Sprintf("import %q\nvar x = gotorch.Sub", gotorch), 0},
		{"oaif/loss/x_test.go", fmt.Sprintf("import %q\nfunc f() { gotorch.GC() }", gotorch), 1},
		{"oaif/loss/x.go", fmt.Sprintf("import %q\nvar x = s.Adopt(gotorch.Sum(y))", gotorch), 0},
		{"oaif/loss/x.go", fmt.Sprintf("import %q\nvar x = gotorch.Sum(y)", gotorch), 1},
		{"oaif/loss/x.go",
			fmt.Sprintf("import %q\nvar x = s.Adopt(gotorch.F(gotorch.G(y)))", gotorch), 1},
		{"oaif/loss/x.go", fmt.Sprintf("import g %q\nvar f = g.FinishGC", gotorch), 1},
		{"oaif/loss/x.go", fmt.Sprintf("import . %q", gotorch), 1},
		{"oaif/loss/x.go", fmt.Sprintf("import %q", gotorch+"/nn/functional"), 1},
		{"oaif/model/x.go", `import "C"`, 1},
		{"torch/x.go", `import "C"`, 0},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), c.path, "package x\n"+c.body, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := checkFile(c.path, file); len(got) != c.want {
			t.Errorf("%s with %q: %d findings, want %d: %v", c.path, c.body, len(got), c.want, got)
		}
	}
}
