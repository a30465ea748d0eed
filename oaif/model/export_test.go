package model

import "github.com/oaif/oaif/torch"

// Names lists the model's tensors by their Hugging Face names.
func (m *Model) Names() []string {
	var out []string
	for _, p := range m.pieces {
		out = append(out, p.Name)
	}
	return out
}

// Gradients returns all gradients by name, their rows as the tensors have them. Device goroutine
// only.
func (m *Model) Gradients() map[string][]float32 {
	s := torch.NewScope()
	defer s.Close()
	out := map[string][]float32{}
	for _, p := range m.pieces {
		out[p.Name] = m.Part(s, torch.Grad, p.Name).Float32()
		p.inPlace(out[p.Name], true)
	}
	return out
}

// Part returns a tensor's elements in one of the sets of buffers as a view. Device goroutine only.
func (m *Model) Part(s *torch.Scope, set torch.Buffer, name string) *torch.Tensor {
	for _, p := range m.pieces {
		if p.Name == name {
			return s.Narrow(m.Buffer(s, set, p.Buffer), 0, p.offset, p.size())
		}
	}
	return nil
}
