package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif/annotator"
)

// The endings of a report's file, which say what is written.
const (
	reportJSON     = ".json"
	reportMarkdown = ".md"
)

func reportFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "report",
		Usage: "`FILE` that gets the report, as JSON (.json) or Markdown (.md); may be repeated"}
}

// checkReports refuses report files that could not be written as what their name says, would
// overwrite one another, or would not be written at all.
func checkReports(c *cli.Context) error {
	if c.Bool("dry-run") && c.IsSet("report") {
		return usagef(c, "--report has no effect with --dry-run, which asks nothing")
	}
	taken := []string{filepath.Clean(c.String("out"))}
	for _, path := range c.StringSlice("report") {
		if end := filepath.Ext(path); end != reportJSON && end != reportMarkdown {
			return usagef(c, "--report: wants a file that ends in %s or %s, got %q", reportJSON,
				reportMarkdown, path)
		}
		if path = filepath.Clean(path); slices.Contains(taken, path) {
			return usagef(c, "--report: %s is to be written twice", path)
		}
		taken = append(taken, path)
	}
	return nil
}

// withReports calls work with a function that writes the report of what it is given, to standard
// error and to the files that --report names. They are opened first, so that no work is lost on a
// name that cannot be written, and are left as they were when work returns an error.
func withReports(
	c *cli.Context, work func(write func(annotator.Evidence) error) error,
) (err error) {
	var files []*lineWriter
	defer func() {
		if err != nil {
			for _, f := range files {
				f.discard()
			}
		}
	}()
	for _, path := range c.StringSlice("report") {
		file, err := createOutput(path, nil)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	return work(func(e annotator.Evidence) error { return writeReports(c, files, e) })
}

func writeReports(c *cli.Context, files []*lineWriter, e annotator.Evidence) error {
	report, err := annotator.NewReport(e)
	if err != nil {
		return err
	}
	for _, f := range files {
		text := report.Markdown()
		if filepath.Ext(f.name) == reportJSON {
			indented, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				return writeError(f.name, err)
			}
			text = string(indented) + "\n"
		}
		f.lines.WriteString(text)
	}
	for _, f := range files {
		if err := f.commit(); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(c.App.ErrWriter, report)
	return err
}

func labelsOf(requests []annotateRequest) []string {
	labels := make([]string, len(requests))
	for i, r := range requests {
		labels[i] = r.label
	}
	return labels
}
