package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/trainer"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
)

// modelFile is an open model of which only the text side was read so far: input lines are checked
// with it before weights are converted, which takes seconds to minutes.
type modelFile struct {
	file   *weights.Model
	vocab  *vocab.Vocab
	config weights.Config
}

// withModelFile calls use with the model that the flag called name gives.
func withModelFile(c *cli.Context, name string, use func(*modelFile) error) error {
	path, err := required(c, name)
	if err != nil {
		return err
	}
	return useModelFile(path, eosOf(c), use)
}

func useModelFile(path string, eos []int32, use func(*modelFile) error) error {
	file, err := weights.Open(path)
	if err != nil {
		return err
	}
	return useOpenFile(file, eos, use)
}

// useOpenFile calls use with file and closes it.
func useOpenFile(file *weights.Model, eos []int32, use func(*modelFile) error) error {
	defer func() { _ = file.Close() }() // only read from
	v, err := vocab.Of(file, eos)
	if err != nil {
		return err
	}
	return use(&modelFile{file, v, file.Config()})
}

// withDevice calls use with the device and precision that the flags ask for.
func withDevice(c *cli.Context, use func(*torch.Device, torch.DType) error) error {
	dev, err := openDevice(c)
	if err != nil {
		return err
	}
	defer dev.Close()
	dtype, err := trainer.Precision(dev, c.String("dtype"))
	if err != nil {
		return err
	}
	return use(dev, dtype)
}

// withWeights calls use with the file's weights on the device that the flags ask for. They and the
// device are gone afterwards.
func (m *modelFile) withWeights(c *cli.Context, use func(*model.Model) error) error {
	return withDevice(c, func(dev *torch.Device, dtype torch.DType) error {
		return m.load(dev, dtype, use)
	})
}

// toDecode is withWeights for a command that draws many tokens.
func (m *modelFile) toDecode(c *cli.Context, use func(*model.Model) error) error {
	return withDevice(c, func(dev *torch.Device, dtype torch.DType) error {
		loaded, err := model.LoadToDecode(dev, m.file, dtype)
		return whileOpen(loaded, err, use)
	})
}

// load calls use with the file's weights on dev, which are gone afterwards.
func (m *modelFile) load(
	dev *torch.Device, dtype torch.DType, use func(*model.Model) error,
) error {
	loaded, err := model.Load(dev, m.file, dtype, false)
	return whileOpen(loaded, err, use)
}

// whileOpen calls use with a model that was loaded, if it was, and closes it.
func whileOpen(loaded *model.Model, err error, use func(*model.Model) error) error {
	if err != nil {
		return err
	}
	return errors.Join(use(loaded), loaded.Device().Do(loaded.Close))
}
