package main

import (
	_ "embed" // for the scripts
	"fmt"

	"github.com/urfave/cli/v2"
)

//go:embed completion.bash
var bashScript string

//go:embed completion.zsh
var zshScript string

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a shell's completion script",
		UsageText: "oaif completion bash|zsh|fish",
		Description: `Prints the script that makes a shell complete oaif's commands and flags.

Example:
  source <(oaif completion bash)
  oaif completion zsh > "${fpath[1]}/_oaif"
  oaif completion fish > ~/.config/fish/completions/oaif.fish`,
		BashComplete: func(c *cli.Context) {
			for _, shell := range []string{"bash", "zsh", "fish"} {
				// A shell that went away needs no completion.
				_, _ = fmt.Fprintln(c.App.Writer, shell)
			}
		},
		Action: completion,
	}
}

func completion(c *cli.Context) error {
	args, err := positionals(c, 1, 1, "the name of a shell: bash, zsh or fish")
	if err != nil {
		return err
	}
	var script string
	switch args[0] {
	case "bash":
		script = bashScript
	case "zsh":
		script = zshScript
	case "fish":
		if script, err = c.App.ToFishCompletion(); err != nil {
			return err
		}
	default:
		return usagef(c, "no script for %q: wants bash, zsh or fish", args[0])
	}
	_, err = fmt.Fprint(c.App.Writer, script)
	return err
}
