package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// maxCalls is how deep playbooks may call one another.
const maxCalls = 8

// Lock names the very files that calls mean.
type Lock struct {
	Playbooks []Locked `json:"playbooks"`
}

// Locked is one playbook that is called: by its name, the version that was resolved, and its file's SHA-256.
type Locked struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// call resolves another playbook, embeds its plan and checks what is handed to it. It gives the type of its outputs too.
func (c *compiler) call(m *syntax.Mapping, p place) (*plan.Call, string) {
	name := m.RequiredText("playbook")
	called, ok := c.resolve(m, name)
	if !ok {
		if n := m.Optional("inputs"); n != nil {
			c.template(n, anything(), `"inputs"`, p)
		}
		m.Known("inputs")
		m.Done()
		return &plan.Call{Playbook: name}, plan.Notation(anything())
	}
	c.embed(called)
	out := &plan.Call{Playbook: called.Name, Version: called.Version, Hash: called.Hash}
	n := m.Optional("inputs")
	if n == nil && m.Node() != nil {
		n = &syntax.Node{Position: m.Node().Position, Kind: syntax.Map}
	}
	if n != nil {
		out.Inputs = c.template(n, callInputs(called), "playbook "+called.Name, p).Map
	}
	m.Done()
	gives := called.Gives
	if gives == "" {
		gives = plan.Notation(activities.Type{Kind: activities.Object})
	}
	return out, gives
}

// callInputs is the type of what a playbook is called with: an input with a default may be left out.
func callInputs(p plan.Plan) activities.Type {
	t := activities.Type{Kind: activities.Object}
	for _, in := range p.Inputs {
		t.Fields = append(t.Fields, activities.Field{Name: in.Name, Doc: in.Doc, Required: in.Required, Type: in.Type})
	}
	return t
}

// embed keeps a plan, and those that it calls, once in this one's.
func (c *compiler) embed(called plan.Plan) {
	nested := called.Playbooks
	called.Playbooks = nil
	for _, p := range append(nested, called) {
		if !slices.ContainsFunc(c.plan.Playbooks, func(known plan.Plan) bool { return known.Hash == p.Hash }) {
			c.plan.Playbooks = append(c.plan.Playbooks, p)
		}
	}
}

// candidate is a file that a call may mean.
type candidate struct {
	plan    plan.Plan
	version *semver.Version
	sum     string
}

// resolve finds the newest playbook of that name within the wanted versions; a lock says which one it must be.
func (c *compiler) resolve(m *syntax.Mapping, name string) (plan.Plan, bool) {
	n := m.Optional("playbook")
	wanted, ok := c.versions(m)
	if name == "" || !ok {
		return plan.Plan{}, false
	}
	switch {
	case name == c.plan.Name || slices.Contains(c.options.callers, name):
		chain := append(slices.Clone(c.options.callers), c.plan.Name, name)
		c.reader.Report(n, "call", "the playbooks call one another in a circle: %s", strings.Join(chain, " calls "))
		return plan.Plan{}, false
	case len(c.options.callers) >= maxCalls:
		c.reader.Report(n, "call", "calls are nested deeper than %d", maxCalls)
		return plan.Plan{}, false
	}
	found, ok := c.candidates(n, name)
	if !ok {
		return plan.Plan{}, false
	}
	var best *candidate
	var have []string
	for i := range found {
		one := &found[i]
		have = append(have, one.plan.Version)
		if wanted.Check(one.version) && (best == nil || one.version.GreaterThan(best.version)) {
			best = one
		}
	}
	if best == nil {
		c.reader.Report(m.Optional("version"), "call", "no playbook %q fits the version %q; there is %s", name, wanted, strings.Join(have, ", "))
		return plan.Plan{}, false
	}
	return best.plan, c.locked(n, *best)
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
		o := c.options
		o.callers = append(slices.Clone(o.callers), c.plan.Name)
		called, problems := With(s.File, s.Data, o)
		if len(problems) > 0 {
			c.reader.Report(n, "call", "the playbook %q does not compile: %s", name, problems[0].Error())
			return nil, false
		}
		version, err := semver.StrictNewVersion(called.Version)
		if err != nil || called.Name != name {
			continue
		}
		sum := sha256.Sum256(s.Data)
		found = append(found, candidate{called, version, hex.EncodeToString(sum[:])})
	}
	if len(found) == 0 {
		c.reader.Report(n, "call", "there is no playbook %q beside this one, among the configured ones or in the library", name)
	}
	return found, len(found) > 0
}

// locked compares a resolved playbook with the lock file.
func (c *compiler) locked(n *syntax.Node, one candidate) bool {
	if c.options.Resolved != nil {
		c.options.Resolved(Locked{Name: one.plan.Name, Version: one.plan.Version, SHA256: one.sum})
	}
	if c.options.Lock == nil {
		return true
	}
	i := slices.IndexFunc(c.options.Lock.Playbooks, func(l Locked) bool { return l.Name == one.plan.Name })
	why := ""
	switch {
	case i < 0:
		why = "the lock file does not name it"
	case c.options.Lock.Playbooks[i].Version != one.plan.Version:
		why = fmt.Sprintf("the lock file names version %s, and %s was found", c.options.Lock.Playbooks[i].Version, one.plan.Version)
	case c.options.Lock.Playbooks[i].SHA256 != one.sum:
		why = "its file is another than the one that was locked"
	default:
		return true
	}
	c.reader.Report(n, "lock", "the playbook %q is not the locked one: %s; look at the change, then run firebreak lock", one.plan.Name, why)
	return false
}
