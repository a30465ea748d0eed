package main

import (
	"math"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif/config"
)

// flags joins groups of flags.
func flags(groups ...[]cli.Flag) []cli.Flag { return slices.Concat(groups...) }

func modelFlag() []cli.Flag {
	return []cli.Flag{&cli.StringFlag{Name: "model",
		Usage: "`MODEL` to use: a .gguf file or a Hugging Face folder with safetensors"}}
}

// computeFlags say where and in which precision a model is computed. Every command that names a
// model takes them, so that a script can pass the same flags to all.
func computeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "device", Value: "auto",
			Usage: "`DEVICE` to compute on: cpu, cuda, cuda:N or auto (CUDA where there is some)"},
		&cli.StringFlag{Name: "dtype", Value: "auto",
			Usage: "`TYPE` of the arithmetic: float32, bfloat16 or auto " +
				"(bfloat16 where it is fast)"},
	}
}

func threadsFlag() []cli.Flag {
	return []cli.Flag{&cli.IntFlag{Name: "threads",
		Usage: "`NUMBER` of CPU threads, 0 for one per processor"}}
}

func setFlag() []cli.Flag {
	return []cli.Flag{&cli.StringSliceFlag{Name: "set",
		Usage: "`KEY=VALUE` that replaces a value of CONFIG, such as train.steps=50; " +
			"may be repeated"}}
}

func eosFlag() cli.Flag {
	return &cli.IntSliceFlag{Name: "eos",
		Usage: "`ID` of a token that ends a completion, besides those of the model; " +
			"may be repeated"}
}

// eosOf returns the ids that the flag of that name gives; none for a command without it.
func eosOf(c *cli.Context) []int32 {
	var ids []int32
	for _, id := range c.IntSlice("eos") {
		ids = append(ids, int32(min(max(id, math.MinInt32), math.MaxInt32)))
	}
	return ids
}

// checkCompute refuses values of the compute flags that no machine has. Here and below, bounds and
// words are those of package config.
func checkCompute(c *cli.Context) error {
	if err := config.CheckDevice(c.String("device")); err != nil {
		return usagef(c, "--device: %v", err)
	}
	if err := config.CheckDType(c.String("dtype")); err != nil {
		return usagef(c, "--dtype: %v", err)
	}
	return checkRange(c, "threads", 0, config.MaxThreads)
}

// checkRange refuses an integer flag outside [least,most].
func checkRange(c *cli.Context, name string, least, most int) error {
	switch value := c.Int(name); {
	case value < least:
		return usagef(c, "--%s: wants at least %d, got %d", name, least, value)
	case value > most:
		return usagef(c, "--%s: wants at most %d, got %d", name, most, value)
	}
	return nil
}
