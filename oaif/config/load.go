package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/tomlfile"
)

// Load reads the TOML file path over the defaults, then applies sets, each "table.key=value", in
// order; the result is validated and resolved (model.reference, loss.beta and eval.live_prompts
// become what they stand for). A set's value is TOML; text that is no TOML value, or not of the
// key's type where that is a string, is taken as a string. Every error is an oaif.UsageError of one
// line per problem.
func Load(path string, sets []string) (*Config, error) {
	l := loader{cfg: Default(), origin: map[string]string{}}
	l.fields = fieldsOf(l.cfg)
	if err := l.file(path); err != nil {
		return nil, err
	}
	for _, set := range sets {
		l.set(set)
	}
	if len(l.problems) == 0 {
		for _, p := range l.cfg.problems() {
			l.reject(cmp.Or(l.origin[p.key], path), "%s: %s", p.key, p.text)
		}
	}
	if err := errors.Join(l.problems...); err != nil {
		return nil, err
	}
	l.cfg.resolve()
	return l.cfg, nil
}

// loader collects every problem, so that one run of the program shows them all.
type loader struct {
	cfg      *Config
	fields   *fields
	origin   map[string]string // key path -> the --set flag that gave its value
	problems []error
}

func (l *loader) reject(where, format string, args ...any) {
	l.problems = append(l.problems, oaif.UsageError(where+": "+fmt.Sprintf(format, args...)))
}

// file reads the TOML file. Only a file that is no TOML at all is an error; other problems are
// collected.
func (l *loader) file(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return oaif.UsageError(fmt.Sprintf("config file %s: %v", path, err))
	}
	tree := map[string]any{}
	md, err := tomlfile.Decode(path, string(text), &tree)
	if err != nil {
		return err
	}
	var below string // a rejected table: keys below it would only repeat the problem
	for _, k := range md.Keys() {
		key := k.String() // with quotes where a part has a dot in it: it is no path
		if below != "" && strings.HasPrefix(key, below+".") {
			continue
		}
		below = ""
		if !l.assign(path, key, lookup(tree, k)) {
			below = key
		}
	}
	return nil
}

// lookup returns the value at key in tree, or nil where an array of tables is on the way.
func lookup(tree map[string]any, key toml.Key) any {
	var v any = tree
	for _, part := range key {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[part]
	}
	return v
}

// assign puts v into the field of key and says whether it could.
func (l *loader) assign(where, key string, v any) bool {
	field, known := l.fields.leaf[key]
	switch {
	case known:
		if err := setField(field, v); err != nil {
			l.reject(where, "%s: %v", key, err)
			return false
		}
	case l.fields.table[key]:
		if _, ok := v.(map[string]any); !ok {
			l.reject(where, "%s: wants a table, got %s", key, describe(v))
			return false
		}
	default:
		l.reject(where, "%s: unknown key; did you mean %s?", key, l.fields.nearest(key))
		return false
	}
	return true
}

// set applies one --set flag.
func (l *loader) set(set string) {
	where := "--set " + strings.ReplaceAll(set, "\n", `\n`)
	if !utf8.ValidString(set) { // it could be written to a TOML file, and not read again
		l.reject(where, "is not UTF-8")
		return
	}
	key, text, ok := strings.Cut(set, "=")
	key = strings.TrimSpace(key)
	if !ok || key == "" {
		l.reject(where, `wants the form table.key=value, for example --set train.steps=50`)
		return
	}
	field, known := l.fields.leaf[key]
	if !known && l.fields.table[key] {
		l.reject(where, "%s: names a table; set one of its keys, as in --set %s=value",
			key, l.fields.firstOf(key))
		return
	}
	v := parseValue(text)
	if _, isText := v.(string); known && isString(field) && !isText {
		v = text // a path such as 2026 or 1.5 needs no quotes
	}
	l.origin[key] = where
	l.assign(where, key, v)
}

// parseValue decodes text as one TOML value; text that is none is a string.
func parseValue(text string) any {
	tree := map[string]any{}
	_, err := tomlfile.Decode("--set", "v = "+text, &tree)
	if err != nil || len(tree) != 1 || strings.Contains(text, "\n") {
		return text
	}
	return tree["v"]
}
