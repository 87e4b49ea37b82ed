package config

import (
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Deployment makes workers of the interpreter part of a Temporal worker deployment: a case ends on the build it began on.
// Without a name it is off.
type Deployment struct {
	Name  string
	Build string // empty: the version of the binary
}

func (p *parser) deployment(m *syntax.Mapping) {
	if m.Node() == nil {
		return
	}
	d := &p.config.Deployment
	m.Required("name")
	p.text(m, "deployment.", "name", &d.Name, deploymentName())
	p.text(m, "deployment.", "build", &d.Build, buildName())
	m.Done()
}

// deploymentName: Temporal puts a dot between the name and the build.
func deploymentName() form {
	return form{be: "up to 63 lower-case letters, digits and hyphens", fits: func(text string) bool {
		return word().fits(text) && !strings.Contains(text, ".")
	}}
}

func buildName() form {
	return form{be: "a text without white space, of at most 255 bytes", fits: func(text string) bool {
		return len(text) <= 255 && strings.IndexFunc(text, notPrinted) < 0
	}}
}

func notPrinted(r rune) bool { return r <= ' ' || r == 0x7f }
