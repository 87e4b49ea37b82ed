package config

import (
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// SigningKey is a public key whose signature lets a playbook be run.
type SigningKey struct {
	File string // empty where the key itself stands in the configuration
	PEM  string
	Pos  syntax.Position
}

// beginning is that of a key that stands in the configuration itself. A public key is no secret.
const beginning = "-----BEGIN "

func (p *parser) signing(m *syntax.Mapping) {
	if m.Node() == nil {
		return
	}
	if n := m.Required("keys"); n != nil && n.Kind == syntax.List && len(n.Items) == 0 {
		p.reader.Report(n, "value", `"keys" must name at least one: without a key no playbook could be run; leave "signing" out to run unsigned ones`)
	}
	for _, item := range m.List("keys") {
		text := p.reader.Text(item, `an item of "keys"`)
		key := SigningKey{Pos: item.Position}
		switch {
		case item.Kind != syntax.Text:
			continue
		case strings.HasPrefix(strings.TrimSpace(text), beginning):
			key.PEM = text
		case strings.TrimSpace(text) == "":
			p.reader.Report(item, "value", `an item of "keys" must not be empty`)
		default:
			key.File = within(p.base, text)
		}
		p.config.Signing = append(p.config.Signing, key)
	}
	m.Done()
}
