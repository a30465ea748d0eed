package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif/report"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "write a run folder's report.html",
		UsageText: "oaif report RUN",
		Description: `Reads the run folder RUN and writes RUN/report.html: one file with curves,
texts before and after, annotator health, stage times and the configuration. It
needs no network. The run may still be going on.

Example:
  oaif report runs/demo`,
		Action: writeReport,
	}
}

func writeReport(c *cli.Context) error {
	args, err := positionals(c, 1, 1, "a run folder")
	if err != nil {
		return err
	}
	path, err := report.Write(args[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.Writer, path)
	return err
}
