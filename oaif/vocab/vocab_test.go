package vocab_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/oaif/weights"
)

var _ prompts.Encoder = (*vocab.Vocab)(nil)

// open returns the Vocab of a model; the model is closed, as a Vocab must not need it.
func open(t *testing.T, path string, eos ...int32) (*vocab.Vocab, error) {
	t.Helper()
	m, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vocab.Of(m, eos)
	if closeErr := m.Close(); closeErr != nil {
		t.Fatal(closeErr)
	}
	return v, err
}

// folder writes a tiny Hugging Face model with the tokenizer of another package's tests and returns
// its path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, from := range []string{"config.json", "model.safetensors"} {
		copyFile(t, filepath.Join("../weights/testdata/hf4", from), filepath.Join(dir, from))
	}
	copyFile(t, "../tokenizer/testdata/llama3/tokenizer.json", filepath.Join(dir, "tokenizer.json"))
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestBeginTokenOnce(t *testing.T) {
	v, err := open(t, folder(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	special := v.EncodeSpecial("hi")
	if len(special) == len(v.Encode("hi")) {
		t.Fatal("the test's tokenizer declares no begin token")
	}
	begin := special[0]
	once, err := v.EncodePrompt("hi")
	if err != nil || once[0] != begin || !slices.Equal(once[1:], v.Encode("hi")) {
		t.Errorf("EncodePrompt(hi) = %v, %v, want %d before %v", once, err, begin, v.Encode("hi"))
	}
	again, err := v.EncodePrompt(v.Token(begin) + "hi")
	if err != nil || !slices.Equal(again, once) {
		t.Errorf("a text that has the begin token gave %v, want %v", again, once)
	}
	empty, err := v.EncodePrompt("")
	if err != nil || !slices.Equal(empty, []int32{begin}) {
		t.Errorf("EncodePrompt of nothing = %v, %v, want the begin token alone", empty, err)
	}
}

func TestChat(t *testing.T) {
	dir := folder(t, map[string]string{"tokenizer_config.json": `{"chat_template":
		"{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}` +
		`{% if add_generation_prompt %}[assistant]{% endif %}"}`})
	v, err := open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.RenderChat([]oaif.Message{{Role: "user", Content: "hi"}})
	if err != nil || got != "[user] hi\n[assistant]" {
		t.Errorf("RenderChat = %q, %v", got, err)
	}
}

func TestChatErrors(t *testing.T) {
	broken := map[string]string{"tokenizer_config.json": `{"chat_template": "{% for %}"}`}
	for name, files := range map[string]map[string]string{"none": nil, "broken": broken} {
		dir := folder(t, files)
		v, err := open(t, dir)
		if err != nil {
			t.Errorf("%s: a model must be usable for plain text: %v", name, err)
			continue
		}
		_, err = v.RenderChat([]oaif.Message{{Role: "user", Content: "hi"}})
		if err == nil || !errors.Is(err, oaif.ErrData) || !strings.HasPrefix(err.Error(), dir) {
			t.Errorf("%s: RenderChat gave %v, want a data error naming the model", name, err)
		}
	}
}

func TestEOS(t *testing.T) {
	dir := folder(t, map[string]string{"generation_config.json": `{"eos_token_id": [7, 3]}`})
	v, err := open(t, dir, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []int32{3, 5, 7} {
		if !slices.Contains(v.EOS, id) {
			t.Errorf("EOS %v lacks %d", v.EOS, id)
		}
	}
	if !slices.IsSorted(v.EOS) || len(slices.Compact(slices.Clone(v.EOS))) != len(v.EOS) {
		t.Errorf("EOS %v is not ascending, once each", v.EOS)
	}
	if _, err := open(t, dir, 1<<20); !errors.Is(err, oaif.ErrUsage) {
		t.Errorf("an id outside the vocabulary gave %v, want a usage error", err)
	}
}

func TestNoTokenizer(t *testing.T) {
	_, err := open(t, "../weights/testdata/hf4")
	if err == nil || err.Error() != "../weights/testdata/hf4: has no tokenizer.json" ||
		!errors.Is(err, oaif.ErrData) {
		t.Errorf("got %v", err)
	}
}

// TestDemoModel reads everything from one GGUF file. The rendering is that of the model's own
// template, with its default system turn.
func TestDemoModel(t *testing.T) {
	const path = "../../third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf"
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs the demo model (make model): ", err)
	}
	v, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := v.RenderChat([]oaif.Message{{Role: "user", Content: "hi"}})
	if err != nil ||
		!strings.HasSuffix(text, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n") {
		t.Errorf("RenderChat = %q, %v", text, err)
	}
	ids, err := v.EncodePrompt("Hello world")
	if err != nil || !slices.Equal(ids, v.Encode("Hello world")) {
		t.Errorf("EncodePrompt = %v, %v: this model wants no begin token", ids, err)
	}
	end, _ := v.TokenID("<|im_end|>")
	if !slices.Contains(v.EOS, end) {
		t.Errorf("EOS %v lacks <|im_end|> = %d", v.EOS, end)
	}
}
