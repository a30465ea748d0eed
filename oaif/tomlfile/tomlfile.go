// Package tomlfile decodes the TOML files that users write.
//
// The text of a file flows in, values flow out. The package does not open files and knows no keys.
// Every error is an oaif.UsageError of one line that names the file, and the line if it is known.
//
// The TOML library copies the whole path of every key: some kilobytes of nested tables keep it busy
// for half a minute and ask for gigabytes. What is larger or deeper than any file for this program
// is refused before the library sees it.
package tomlfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/oaif/oaif/oaif"
)

const (
	maxBytes = 1 << 20 // a run's file has a thousand
	maxDepth = 8       // of brackets in each other, and of the parts of a key; one and two are used
)

// Decode decodes text, the content of the file path, into v as package toml does.
func Decode(path, text string, v any) (toml.MetaData, error) {
	if len(text) > maxBytes {
		return toml.MetaData{}, oaif.UsageError(fmt.Sprintf("%s: has %d bytes, the limit is %d",
			path, len(text), maxBytes))
	}
	if line := tooDeep(text); line > 0 {
		return toml.MetaData{}, oaif.UsageError(fmt.Sprintf(
			"%s:%d: tables, lists or keys are nested more than %d deep", path, line, maxDepth))
	}
	md, err := toml.Decode(text, v)
	if err != nil {
		return md, oaif.UsageError(complaint(path, err))
	}
	return md, nil
}

// complaint puts the library's words behind file and line.
func complaint(path string, err error) string {
	var parse toml.ParseError
	if errors.As(err, &parse) && parse.Position.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", path, parse.Position.Line, oneLine(parse.Message))
	}
	return path + ": " + oneLine(strings.TrimPrefix(err.Error(), "toml: "))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
