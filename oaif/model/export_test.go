package model

import "github.com/oaif/oaif/torch"

// Names lists the model's tensors by their Hugging Face names.
func (m *Model) Names() []string {
	var out []string
	for _, p := range pieces(m.Config) {
		out = append(out, p.name)
	}
	return out
}

// Part returns a tensor's elements in one of the sets of buffers as a view. Device goroutine only.
func (m *Model) Part(s *torch.Scope, set torch.Buffer, name string) *torch.Tensor {
	for _, p := range pieces(m.Config) {
		if p.name == name {
			return s.Narrow(m.Buffer(s, set, p.buffer), 0, p.offset, p.size())
		}
	}
	return nil
}
