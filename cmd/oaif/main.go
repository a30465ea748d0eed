// Command oaif aligns a language model with online feedback from an AI annotator.
//
// This package holds flags and wiring only, one file a subcommand: arguments flow in, and files or
// standard output come out through the packages below oaif/. Only main ends the process: status 0,
// 1 for data that cannot be used, 2 for a command line or configuration that cannot be used, 130
// after an interrupt; every failure is one line on standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
)

// The statuses with which the program ends.
const (
	statusData        = 1
	statusUsage       = 2
	statusInterrupted = 130 // as a shell reports SIGINT
)

func main() {
	for _, prepare := range []func() error{checkProcessor, setEnvironment} {
		if err := prepare(); err != nil {
			os.Exit(exitStatus(os.Stderr, err))
		}
	}
	// The first signal asks for an orderly end; the second one, no longer caught, ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	app := newApp(os.Stdin, os.Stdout, os.Stderr)
	err := app.RunContext(ctx, flagsFirst(app, os.Args))
	stop()
	os.Exit(exitStatus(os.Stderr, err))
}

// exitStatus writes err as one line and returns the exit status that goes with it.
func exitStatus(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	line := oneLine(err)
	status := statusData
	switch {
	case errors.Is(err, oaif.ErrUsage):
		status = statusUsage
	case errors.Is(err, oaif.ErrInterrupted):
		status = statusInterrupted
	case errors.Is(err, context.Canceled):
		status, line = statusInterrupted, "interrupted"
	}
	// Nothing is left to be done about a standard error that cannot be written.
	_, _ = fmt.Fprintln(stderr, "oaif: "+line)
	return status
}

// oneLine returns an error's text with its lines joined: several problems of one file, say.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool {
		return r == '\n' || r == '\r'
	}), "; ")
}

// newApp returns the program with the given standard streams.
func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "oaif",
		Usage: "align a language model with online feedback from an AI annotator",
		Description: `On every step oaif samples two answers per prompt from the model as it is now,
asks a language model which of them is better, and takes one DPO, IPO or SLiC
step on exactly those tokens.

Start with:  oaif train configs/demo.toml
Then:        oaif COMMAND --help`,
		Reader:                    stdin,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		HideVersion:               true,
		HideHelpCommand:           true,
		EnableBashCompletion:      true,
		Suggest:                   true,
		DisableSliceFlagSeparator: true, // a value such as [0.9,0.95] is one value
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		Action:                    noCommand,
		Commands: []*cli.Command{
			trainCommand(), evalCommand(), reportCommand(),
			sampleCommand(), scoreCommand(), tokenizeCommand(), annotateCommand(),
			serveCommand(), doctorCommand(), completionCommand(),
		},
	}
	for _, c := range app.Commands {
		c.OnUsageError = usageError
		c.HideHelpCommand = true // else the file name "help" could not be given
	}
	return app
}

// noCommand is what runs without a known subcommand.
func noCommand(c *cli.Context) error {
	if !c.Args().Present() {
		return cli.ShowAppHelp(c)
	}
	return unknownCommand(c.App.Commands, c.Args().First())
}
