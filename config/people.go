package config

import (
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Person is somebody who may decide: by a key of their own, and as a member of groups.
type Person struct {
	Subject string
	Groups  []string
	Key     SigningKey // the public key: a file, or PEM in the configuration itself
	Pos     syntax.Position
}

// people reads who may decide. Without any, everybody is taken at their word, and the record says so.
func (p *parser) people(list []*syntax.Node) {
	seen := map[string]int{}
	for _, n := range list {
		m := p.reader.Map(n, "a person")
		one := Person{Subject: m.RequiredText("subject"), Groups: m.Texts("groups"), Pos: n.Position}
		if line, twice := seen[one.Subject]; twice && one.Subject != "" {
			p.reader.Report(n, "value", "%q is there twice; the first is in line %d", one.Subject, line)
		}
		seen[one.Subject] = n.Line
		if key := m.Required("key"); key != nil {
			one.Key = p.publicKey(key, `"key"`)
		}
		m.Done()
		p.config.People = append(p.config.People, one)
	}
}

func (p *parser) publicKey(n *syntax.Node, what string) SigningKey {
	text := p.reader.Text(n, what)
	_, bare := bareKey(text)
	switch {
	case strings.HasPrefix(strings.TrimSpace(text), beginning), bare:
		return SigningKey{PEM: text, Pos: n.Position}
	case n.Kind == syntax.Text && strings.TrimSpace(text) == "":
		p.reader.Report(n, "value", "%s must not be empty", what)
	}
	return SigningKey{File: within(p.base, text), Pos: n.Position}
}

// responders reads the groups whose members may decide about held steps.
func (p *parser) responders(m *syntax.Mapping) {
	p.config.Responders = m.Texts("responders")
	if n := m.Optional("responders"); n != nil && len(p.config.People) == 0 && !p.config.Receiver.vouches() {
		p.reader.Report(n, "value", `"responders" are groups of "people", and there are none`)
	}
}

// vouches tells whether the receiver has a key of its own.
func (r Receiver) vouches() bool { return r.SigningKey.Named() || r.PublicKey != (SigningKey{}) }

// vouched sees to it that there is somebody for whom the receiver can vouch: nobody could decide otherwise.
func (p *parser) vouched() {
	c := p.config
	if c.Receiver.vouches() && len(c.People) == 0 && c.OIDC == (OIDC{}) {
		problem := c.place("receiver.signingKey").Problem("value", `"signingKey" vouches for "people" or those of "oidc", and there are neither: nobody could decide`)
		p.reader.Add(problem)
	}
}
