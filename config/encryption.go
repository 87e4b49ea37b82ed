package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Encryption is how payloads are encrypted before Temporal gets them; without keys they are not.
type Encryption struct {
	Current string // id of the key that encrypts; all of them decrypt
	Keys    []EncryptionKey
}

// EncryptionKey says where a key is.
type EncryptionKey struct {
	ID     string
	Secret Secret
	Pos    syntax.Position
}

// keySize is AES-256's.
const keySize = 32

// Read gives the key's bytes.
func (k EncryptionKey) Read(env Lookup) ([]byte, error) {
	text, err := k.Secret.Read(env)
	if err != nil {
		return nil, fmt.Errorf("the key %q: %w", k.ID, err)
	}
	raw, err := decodeKey(text)
	if err != nil {
		return nil, fmt.Errorf("the key %q in %s %w", k.ID, k.Secret, err)
	}
	return raw, nil
}

// decodeKey reads a key in hex or base64. An error does not repeat it.
func decodeKey(text string) ([]byte, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	}
	switch {
	case err != nil:
		return nil, errors.New("is neither base64 nor hex; make one with `openssl rand -base64 32`")
	case len(raw) != keySize:
		return nil, fmt.Errorf("has %d bytes, and must have %d, in base64 or hex; make one with `openssl rand -base64 32`", len(raw), keySize)
	}
	return raw, nil
}

func (p *parser) encryption(m *syntax.Mapping) {
	if m.Node() == nil {
		return
	}
	current := m.RequiredText("current")
	keys := m.Required("keys")
	if keys != nil && keys.Kind == syntax.List && len(keys.Items) == 0 {
		p.reader.Report(keys, "value", `"keys" must name at least one; leave "encryption" out to encrypt nothing`)
	}
	for _, item := range m.List("keys") {
		p.encryptionKey(p.reader.Map(item, "an encryption key"), item)
	}
	p.config.Encryption.Current = current
	if n := m.Optional("current"); n != nil && current != "" && len(p.config.Encryption.Keys) > 0 {
		p.current(n, current)
	}
	m.Done()
}

func (p *parser) current(n *syntax.Node, current string) {
	var ids []string
	for _, k := range p.config.Encryption.Keys {
		if k.ID == current {
			return
		}
		ids = append(ids, k.ID)
	}
	p.reader.Report(n, "unknown-key", `"current" is the key %q, which "keys" does not list%s`, current, syntax.DidYouMean(current, ids))
}

func (p *parser) encryptionKey(m *syntax.Mapping, item *syntax.Node) {
	k := EncryptionKey{Pos: item.Position}
	if n := m.Required("id"); n != nil {
		k.ID = m.Text("id")
		p.keyID(n, k.ID)
	}
	k.Secret = p.keySecret(m)
	if m.Done(); k.ID != "" {
		p.config.Encryption.Keys = append(p.config.Encryption.Keys, k)
	}
}

// keyID: the id stands in every payload, readable.
func (p *parser) keyID(n *syntax.Node, id string) {
	if n.Kind == syntax.Text && !word().fits(id) {
		p.reader.Report(n, "value", `"id" must be %s, not %q`, word().be, id)
	}
	for _, k := range p.config.Encryption.Keys {
		if k.ID == id {
			p.reader.Report(n, "duplicate", "the key %q is there already, in line %d; payloads would not say which one is meant", id, k.Pos.Line)
			return
		}
	}
}

func (p *parser) keySecret(m *syntax.Mapping) Secret {
	var s Secret
	if m.Has("file") {
		if text := m.RequiredText("file"); text != "" {
			s.File = within(p.base, text)
		}
	}
	s.Env = m.Text("env")
	if n := m.Node(); n.Kind == syntax.Map && m.Has("file") == m.Has("env") {
		p.reader.Report(n, "secret", `an encryption key needs "file" or "env", which say where it is, and not both`)
	}
	return s
}

// checkEncryption reads every key as a worker does.
func (c Config) checkEncryption(env Lookup) []syntax.Problem {
	var problems []syntax.Problem
	for _, k := range c.Encryption.Keys {
		if _, err := k.Read(env); err != nil {
			problems = append(problems, k.Pos.Problem(ruleOf(err), "%s", err))
		}
	}
	return problems
}

func ruleOf(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "missing-file"
	}
	return "secret"
}
