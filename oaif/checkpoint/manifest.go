package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	manifestName = "manifest.json"
	version      = 1
)

// rewound are the logs that a checkpoint remembers the length of.
var rewound = []string{Metrics, Pairs}

// manifest says what a checkpoint consists of.
type manifest struct {
	Version int             `json:"version"`
	Step    int             `json:"step"`
	State   json.RawMessage `json:"state"`
	Blobs   []blobInfo      `json:"blobs"`
	Logs    map[string]mark `json:"logs"`
}

type blobInfo struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// sealed is the file manifest.json: the manifest's bytes and their own digest.
type sealed struct {
	Manifest json.RawMessage `json:"manifest"`
	SHA256   string          `json:"sha256"`
}

func (m *manifest) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	data, err := json.Marshal(sealed{body, hex.EncodeToString(sum[:])})
	return data, err
}

// decodeManifest reads the manifest of step; its errors are the reason only, without a file name.
func decodeManifest(data []byte, step int) (*manifest, error) {
	var s sealed
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, errors.New("is cut or not JSON")
	}
	sum := sha256.Sum256(s.Manifest)
	if hex.EncodeToString(sum[:]) != s.SHA256 {
		return nil, errors.New("does not have the digest that it states")
	}
	var m manifest
	if err := json.Unmarshal(s.Manifest, &m); err != nil {
		return nil, fmt.Errorf("is no manifest: %w", err)
	}
	if m.Version != version {
		return nil, fmt.Errorf("has version %d; this program reads version %d", m.Version, version)
	}
	if m.Step != step {
		return nil, fmt.Errorf("belongs to step %d", m.Step)
	}
	return &m, m.check()
}

// check refuses what no Save writes: files outside of the checkpoint's folder, lengths below zero.
func (m *manifest) check() error {
	for _, b := range m.Blobs {
		if !plainName(b.Name) || b.Size < 0 {
			return fmt.Errorf("names %q of %d bytes as a part of it", b.Name, b.Size)
		}
	}
	for _, name := range rewound {
		if n := m.Logs[name].Bytes; n < 0 {
			return fmt.Errorf("says that %s has %d bytes", name, n)
		}
	}
	return nil
}

// plainName reports whether a file of that name lies in the folder itself.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00")
}
