package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
)

// flagsFirst moves a subcommand's flags before its positional arguments, where the cli library
// wants them, so that `oaif train CONFIG --out DIR` works. What follows "--" stays positional.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 3 || args[len(args)-1] == "--generate-bash-completion" {
		return args
	}
	command := app.Command(args[1])
	if command == nil {
		return args
	}
	var flags, positional []string
	for rest := args[2:]; len(rest) > 0; {
		arg := rest[0]
		rest = rest[1:]
		switch {
		case arg == "--":
			positional, rest = append(positional, rest...), nil
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			positional = append(positional, arg)
		default:
			flags = append(flags, arg)
			if !takesValue(command, arg) {
				continue
			}
			if len(rest) == 0 { // let the parser say that a value is missing
				return slices.Concat(args[:2], flags)
			}
			flags, rest = append(flags, rest[0]), rest[1:]
		}
	}
	return slices.Concat(args[:2], flags, []string{"--"}, positional)
}

// takesValue reports whether the argument after flag belongs to it.
func takesValue(command *cli.Command, flag string) bool {
	name := strings.TrimLeft(flag, "-")
	for _, f := range command.Flags {
		doc, ok := f.(cli.DocGenerationFlag)
		if ok && slices.Contains(f.Names(), name) {
			return doc.TakesValue()
		}
	}
	return false
}

// positionals returns a command's positional arguments when there are between least and most of
// them; names says what they are.
func positionals(c *cli.Context, least, most int, names string) ([]string, error) {
	args := c.Args().Slice()
	switch {
	case len(args) < least:
		return nil, usagef(c, "wants %s", names)
	case len(args) > most && most == 0:
		return nil, usagef(c, "unexpected argument %q", args[0])
	case len(args) > most:
		return nil, usagef(c, "unexpected argument %q: wants %s only", args[most], names)
	}
	return args, nil
}

// usagef returns a usage error that begins with the command's name.
func usagef(c *cli.Context, format string, args ...any) error {
	text, name := fmt.Sprintf(format, args...), c.Command.Name
	if c.App.Command(name) == nil { // the program itself
		return oaif.UsageError(text + " (oaif --help lists the commands)")
	}
	return oaif.UsageError(
		fmt.Sprintf("%s: %s (oaif %s --help shows an example)", name, text, name))
}

// required returns the value of a flag that must be given.
func required(c *cli.Context, name string) (string, error) {
	value := c.String(name)
	if value == "" {
		return "", usagef(c, "wants --%s", name)
	}
	return value, nil
}

// usageError turns what the flag parser says into a usage error, with the flag that was probably
// meant.
func usageError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	unknown, ok := strings.CutPrefix(text, "flag provided but not defined: -")
	if !ok {
		// The parser writes one dash.
		return usagef(c, "%s",
			strings.NewReplacer("flag -", "flag --", ": -", ": --").Replace(text))
	}
	unknown = strings.TrimLeft(unknown, "-")
	near := cli.SuggestFlag(c.Command.Flags, unknown, false)
	if alike(strings.TrimLeft(near, "-"), unknown) {
		return usagef(c, "unknown flag --%s; did you mean %s?", unknown, near)
	}
	return usagef(c, "unknown flag --%s", unknown)
}

// alike tells a misspelling from another word, for which the library has a suggestion too.
func alike(suggested, given string) bool {
	return suggested != "" && given != "" && suggested[0] == given[0]
}

// unknownCommand names the command that was probably meant.
func unknownCommand(commands []*cli.Command, name string) error {
	// The library's suggestion is a sentence, made for its own output.
	text := cli.SuggestCommand(commands, name)
	for _, c := range commands {
		if strings.Contains(text, `"`+c.Name+`"`) && alike(c.Name, name) {
			return oaif.UsageError(
				fmt.Sprintf("unknown command %q; did you mean %q?", name, c.Name))
		}
	}
	return oaif.UsageError(fmt.Sprintf("unknown command %q (oaif --help lists all)", name))
}
