package config

import (
	"io"

	"github.com/BurntSushi/toml"
)

// Encode writes c to w as TOML with every key. Loading what it wrote gives the identical Config, if
// c came from Load. The error is w's.
func (c *Config) Encode(w io.Writer) error {
	full := *c
	if full.Model.EOS == nil {
		full.Model.EOS = []int32{} // the encoder leaves a nil slice out
	}
	enc := toml.NewEncoder(w)
	enc.Indent = ""
	return enc.Encode(full)
}
