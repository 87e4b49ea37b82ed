package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// candidate is a file that a call may mean.
type candidate struct {
	source  Source
	plan    plan.Plan
	version *semver.Version
	sum     string
	soiled  taint // whose words its outputs may have
}

// resolve finds the newest playbook of that name within the wanted versions; a lock says which ones there are.
func (c *compiler) resolve(m *syntax.Mapping, name string) (candidate, bool) {
	n := m.Optional("playbook")
	wanted, ok := c.versions(m)
	if name == "" || !ok {
		return candidate{}, false
	}
	switch {
	case name == c.plan.Name || slices.Contains(c.options.callers, name):
		chain := append(slices.Clone(c.options.callers), c.plan.Name, name)
		c.reader.Report(n, "call", "the playbooks call one another in a circle: %s", strings.Join(chain, " calls "))
		return candidate{}, false
	case len(c.options.callers) >= maxCalls:
		c.reader.Report(n, "call", "calls are nested deeper than %d", maxCalls)
		return candidate{}, false
	}
	found, ok := c.candidates(n, name)
	if !ok {
		return candidate{}, false
	}
	if found, ok = c.locked(n, name, found); !ok {
		return candidate{}, false
	}
	best, ok := newest(found, wanted)
	if !ok {
		c.reader.Report(m.Optional("version"), "call", "no playbook %q fits the version %q; there is %s", name, wanted, strings.Join(versionsOf(found), ", "))
		return candidate{}, false
	}
	if c.options.Resolved != nil {
		c.options.Resolved(Locked{Name: best.plan.Name, Version: best.plan.Version, SHA256: best.sum})
	}
	return best, true
}

func newest(found []candidate, wanted *semver.Constraints) (best candidate, ok bool) {
	for _, one := range found {
		if wanted.Check(one.version) && (!ok || one.version.GreaterThan(best.version)) {
			best, ok = one, true
		}
	}
	return best, ok
}

func versionsOf(found []candidate) []string {
	var out []string
	for _, one := range found {
		out = append(out, one.plan.Version)
	}
	return out
}

func (c *compiler) versions(m *syntax.Mapping) (*semver.Constraints, bool) {
	text := m.Text("version")
	if text == "" {
		text = "*"
	}
	wanted, err := semver.NewConstraint(text)
	if err != nil {
		c.reader.Report(m.Optional("version"), "version", "%q is no range of versions; write such as \"1.2.0\", \"^1.2\" or \">=1.2 <2\"", text)
	}
	return wanted, err == nil
}

// candidates compiles every playbook of that name. One that does not compile is a problem of its own file, and of the call.
func (c *compiler) candidates(n *syntax.Node, name string) ([]candidate, bool) {
	if c.options.Find == nil {
		c.reader.Report(n, "call", "the playbook %q cannot be found: this one does not stand in a folder", name)
		return nil, false
	}
	sources, err := c.options.Find(name)
	if err != nil {
		c.reader.Report(n, "call", "the playbook %q cannot be read: %v", name, err)
		return nil, false
	}
	var found []candidate
	for _, s := range sources {
		called, soiled, problems := compileSource(s.File, s.Data, c.nested())
		if len(problems) > 0 {
			c.reader.Report(n, "call", "the playbook %q does not compile: %s", name, problems[0].Error())
			return nil, false
		}
		version, err := semver.StrictNewVersion(called.Version)
		if err != nil || called.Name != name {
			continue
		}
		sum := sha256.Sum256(s.Data)
		found = append(found, candidate{s, called, version, hex.EncodeToString(sum[:]), soiled})
	}
	if len(found) == 0 {
		c.reader.Report(n, "call", "there is no playbook %q beside this one or in the library", name)
	}
	return found, len(found) > 0
}

// nested are the options for a playbook that this one calls.
func (c *compiler) nested() Options {
	o := c.options
	o.callers = append(slices.Clone(o.callers), c.plan.Name)
	o.dirty, o.loops = nil, nil
	return o
}
