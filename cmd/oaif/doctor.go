package main

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif/trainer"
	"github.com/oaif/oaif/torch"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		Usage:     "say what was found: libtorch, CUDA, devices, precision, problems of a config",
		UsageText: "oaif doctor [CONFIG] [--device D] [--dtype T]",
		Description: `Says which libtorch is loaded, which devices there are and which precision is
chosen on this one and why. With CONFIG it checks the configuration and every
file that it names, without training. Any problem makes the exit status 1.

Example:
  oaif doctor configs/demo.toml`,
		Flags:  flags(setFlag(), computeFlags(), threadsFlag()),
		Action: doctor,
	}
}

// finding is one line of what doctor found.
type finding struct {
	name, text string
	problem    bool
}

func doctor(c *cli.Context) error {
	args, err := positionals(c, 0, 1, "one configuration file")
	if err != nil {
		return err
	}
	if err := checkCompute(c); err != nil {
		return err
	}
	found := append(examineLibrary(), examineDevice(c)...)
	if len(args) == 1 {
		found = append(found, examineConfig(args[0], c.StringSlice("set"))...)
	}
	problems, err := printFindings(c.App.Writer, found)
	if err != nil {
		return err
	}
	if problems > 0 {
		return dataErrorf("doctor found %d problem%s, see above", problems, plural(problems))
	}
	return nil
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// printFindings writes one line each and returns the number of problems.
func printFindings(w io.Writer, found []finding) (problems int, err error) {
	for _, f := range found {
		mark := "ok     "
		if f.problem {
			mark, problems = "PROBLEM", problems+1
		}
		if _, err := fmt.Fprintf(w, "%s  %-10s  %s\n", mark, f.name, f.text); err != nil {
			return problems, err
		}
	}
	return problems, nil
}

// examineLibrary says what the program was built with.
func examineLibrary() []finding {
	cuda := "without CUDA code"
	if torch.CUDABuilt() {
		cuda = "with CUDA code"
	}
	return []finding{
		{name: "program", text: fmt.Sprintf("%s, %s/%s, %d processors",
			runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())},
		{name: "libtorch", text: fmt.Sprintf("%s (%s), %s", torch.Version(), torch.Target(), cuda)},
		examineCUDA(),
		{name: "openmp", text: "OMP_WAIT_POLICY=" + os.Getenv("OMP_WAIT_POLICY")},
	}
}

// examineCUDA says how many devices there are, or why there are none.
func examineCUDA() finding {
	if why := torch.CUDATrouble(); why != "" {
		return finding{"cuda", why, true}
	}
	n := torch.CUDACount()
	return finding{name: "cuda", text: fmt.Sprintf("%d usable device%s", n, plural(n))}
}

// examineDevice opens the device that the flags ask for and says what it computes in.
func examineDevice(c *cli.Context) []finding {
	dev, err := openDevice(c)
	if err != nil {
		return []finding{{"device", err.Error(), true}}
	}
	defer dev.Close()
	var name string
	var threads int
	err = dev.Do(func() { name, threads = dev.Name(), dev.Threads() })
	if err != nil {
		return []finding{{"device", err.Error(), true}}
	}
	t, err := trainer.Precision(dev, c.String("dtype"))
	if err != nil {
		return []finding{{"precision", err.Error(), true}}
	}
	return []finding{
		{name: "device",
			text: fmt.Sprintf("%s: %s, %d CPU thread%s", dev, name, threads, plural(threads))},
		{name: "precision", text: fmt.Sprintf("%s: %s", t, whyPrecision(c.String("dtype"), t))},
	}
}
