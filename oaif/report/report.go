package report

import (
	"bytes"
	_ "embed" // the page's template and style sheet
	"fmt"
	"html/template"
	"path/filepath"

	"github.com/oaif/oaif/oaif/checkpoint"
)

//go:embed report.html.tmpl
var pageText string

//go:embed style.css
var styleText string

var pageTemplate = template.Must(template.New("report").Parse(pageText))

// Write reads the run folder runDir and writes report.html into it, replacing an older one
// atomically. It returns the file's path. A folder without any record of a run and a broken line
// in one of its files are refused with oaif.ErrData; missing files only leave their section empty.
// The folder may belong to a run that is going on.
func Write(runDir string) (path string, err error) {
	records, err := read(runDir)
	if err != nil {
		return "", err
	}
	p, err := newPage(records)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = pageTemplate.Execute(&out, map[string]any{"Page": p, "Style": template.CSS(styleText)})
	if err != nil {
		return "", fmt.Errorf("report: filling the page: %w", err)
	}
	path = filepath.Join(runDir, "report.html")
	return path, checkpoint.WriteFile(path, out.Bytes())
}
