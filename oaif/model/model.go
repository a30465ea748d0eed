package model

import (
	"fmt"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
)

// Model is a transformer on a device: the policy when it is trainable, else a frozen reference or
// annotator.
type Model struct {
	*torch.Model
	Config    weights.Config
	Trainable bool
	pieces    []piece
}

// Load puts the weights of an opened model file on the device. dtype is the type of the arithmetic;
// a trainable model keeps float32 masters besides. Its errors name the file and tensor. Not for the
// device goroutine: it sends its work there.
func Load(
	dev *torch.Device, file *weights.Model, dtype torch.DType, trainable bool,
) (*Model, error) {
	commit := func(m *torch.Model) { m.Commit(!trainable) }
	return load(dev, file, dtype, trainable, commit)
}

// LoadToDecode is Load for a frozen model that many tokens are drawn from: they come faster, and it
// takes more memory (torch.Model.CommitToDecode).
func LoadToDecode(
	dev *torch.Device, file *weights.Model, dtype torch.DType,
) (*Model, error) {
	return load(dev, file, dtype, false, (*torch.Model).CommitToDecode)
}

func load(
	dev *torch.Device, file *weights.Model, dtype torch.DType, trainable bool,
	commit func(*torch.Model),
) (*Model, error) {
	m := &Model{Config: file.Config(), Trainable: trainable}
	var err error
	if m.pieces, err = pieces(m.Config); err != nil {
		return nil, err
	}
	err = dev.Do(func() { m.Model = torch.NewModel(dev, arch(m.Config), dtype, trainable) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.Path(), err)
	}
	err = m.fill(file)
	if err == nil {
		err = dev.Do(func() { commit(m.Model) })
	}
	if err != nil {
		_ = dev.Do(m.Close) // Close cannot fail; the error that counts is err
		return nil, err
	}
	return m, nil
}

func (m *Model) fill(file *weights.Model) error {
	var buf []float32
	for _, p := range m.pieces {
		t, err := file.Tensor(p.Name)
		if err != nil {
			return err
		}
		if cap(buf) < p.size() {
			buf = make([]float32, p.size())
		}
		if err := t.Float32(buf[:p.size()]); err != nil {
			return err
		}
		p.inPlace(buf[:p.size()], false)
		if err := m.Device().Do(func() { m.write(p, buf[:p.size()]) }); err != nil {
			return fmt.Errorf("%s: %s: %w", file.Path(), p.Name, err)
		}
	}
	return nil
}

// stored is the set of buffers that holds a model's weights most exactly.
func (m *Model) stored() torch.Buffer {
	if m.Trainable {
		return torch.Master
	}
	return torch.Compute
}

func (m *Model) write(p piece, values []float32) {
	s := torch.NewScope()
	defer s.Close()
	s.Narrow(m.Buffer(s, m.stored(), p.Buffer), 0, p.offset, p.size()).Write(values)
}

func (m *Model) read(p piece, values []float32) {
	s := torch.NewScope()
	defer s.Close()
	s.Narrow(m.Buffer(s, m.stored(), p.Buffer), 0, p.offset, p.size()).Read(values)
}

// Sources lists the model's tensors by their Hugging Face names for weights.WriteHF: the float32
// masters of a trainable model. Fill sends its work to the device goroutine.
func (m *Model) Sources() []weights.Source {
	var out []weights.Source
	for _, p := range m.pieces {
		out = append(out,
			weights.Source{Name: p.Name, Shape: p.Shape, Fill: func(dst []float32) error {
				err := m.Device().Do(func() { m.read(p, dst) })
				p.inPlace(dst, true)
				return err
			}})
	}
	return out
}

// CheckIDs refuses token ids outside the vocabulary and sequences that exceed the context, naming
// what.
func (m *Model) CheckIDs(what string, ids []int32) error {
	if len(ids) > m.Config.Context {
		return oaif.DataError(fmt.Sprintf("%s: %d tokens exceed the model's context of %d", what,
			len(ids), m.Config.Context))
	}
	for _, id := range ids {
		if id < 0 || int(id) >= m.Config.Vocab {
			return oaif.DataError(fmt.Sprintf("%s: token id %d is outside the vocabulary of %d",
				what, id, m.Config.Vocab))
		}
	}
	return nil
}
