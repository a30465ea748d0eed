package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/prompts"
)

// ioFlags are the flags of a command that turns JSON Lines into JSON Lines.
func ioFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "in", Value: "-",
			Usage: "`FILE` of JSON Lines to read, - for standard input"},
		&cli.StringFlag{Name: "out", Value: "-",
			Usage: "`FILE` of JSON Lines to write, one line per input line, - for standard output"},
	}
}

// readLines returns all records of the file that --in names.
func readLines(c *cli.Context) (lines []prompts.Line, err error) {
	keep := func(line prompts.Line) (bool, error) {
		lines = append(lines, line)
		return true, nil
	}
	if path := c.String("in"); path != "-" {
		err = eachLine(path, keep)
	} else {
		err = eachOf(c.App.Reader, "stdin", keep)
	}
	return lines, err
}

// eachLine calls use with the records of a JSON Lines file until it returns false or an error.
func eachLine(path string, use func(prompts.Line) (bool, error)) error {
	file, err := os.Open(path)
	if err != nil {
		return dataErrorf("%s: %v", path, cause(err))
	}
	defer func() { _ = file.Close() }() // only read from
	return eachOf(file, path, use)
}

func eachOf(r io.Reader, name string, use func(prompts.Line) (bool, error)) error {
	for line, err := range prompts.Lines(r, name) {
		if err != nil {
			return err
		}
		if more, err := use(line); err != nil || !more {
			return err
		}
	}
	return nil
}

// decodeLines reads --in and decodes each line into a T by decode; the first bad line ends it.
func decodeLines[T any](c *cli.Context, decode func(prompts.Line) (T, error)) ([]T, error) {
	lines, err := readLines(c)
	if err != nil {
		return nil, err
	}
	all := make([]T, 0, len(lines))
	for _, line := range lines {
		v, err := decode(line)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// cause strips the file name and system call that an *fs.PathError repeats.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func dataErrorf(format string, args ...any) error {
	return oaif.DataError(fmt.Sprintf(format, args...))
}

// withOutput calls write with a writer of JSON Lines to the place that --out names. The place gets
// all lines when write returns nil, and is left as it was when it returns an error.
func withOutput(c *cli.Context, write func(*lineWriter) error) (err error) {
	out, err := createOutput(c.String("out"), c.App.Writer)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			out.discard()
		}
	}()
	if err := write(out); err != nil {
		return err
	}
	return out.commit()
}

// stdout is the name of standard output in messages.
const stdout = "stdout"

// writeError is a failed write as one line.
func writeError(name string, err error) error {
	return dataErrorf("%s: cannot write: %v", name, cause(err))
}
