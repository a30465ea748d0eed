package main

import (
	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/torch"
)

// openDevice opens the device that the compute flags ask for.
func openDevice(c *cli.Context) (*torch.Device, error) {
	if err := checkCompute(c); err != nil {
		return nil, err
	}
	dev, err := torch.OpenDevice(c.String("device"), c.Int("threads"))
	if err != nil {
		return nil, oaif.UsageError(err.Error())
	}
	return dev, nil
}

// whyPrecision says why a device computes in t when dtype was asked for.
func whyPrecision(dtype string, t torch.DType) string {
	switch {
	case dtype != "auto":
		return "as asked for"
	case t == torch.BFloat16:
		return "the processor multiplies bfloat16 matrices natively"
	}
	return "the processor has no bfloat16 arithmetic"
}
