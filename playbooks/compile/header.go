package compile

import (
	"regexp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func (c *compiler) header(top *syntax.Mapping) {
	c.constant(top, "apiVersion", APIVersion)
	c.constant(top, "kind", Kind)
}

func (c *compiler) constant(top *syntax.Mapping, key, want string) {
	n := top.Required(key)
	if n != nil && n.Kind != syntax.Broken && n.Text != want {
		c.reader.Report(n, "header", "%q must be %s, not %q", key, want, n.Text)
	}
}

func (c *compiler) metadata(m *syntax.Mapping, there *syntax.Node) {
	if there == nil {
		return
	}
	c.plan.Name = c.name(m)
	c.plan.Version = c.version(m)
	c.plan.Title = m.Text("title")
	c.plan.Owner = m.Text("owner")
	labels := m.Map("labels")
	if n := labels.Node(); n != nil {
		c.plan.Labels = map[string]string{}
		for _, e := range n.Entries {
			c.plan.Labels[e.Key.Text] = labels.Text(e.Key.Text)
		}
	}
	m.Done()
}

func (c *compiler) name(m *syntax.Mapping) string {
	name := m.RequiredText("name")
	if name == "" {
		return ""
	}
	switch {
	case !regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`).MatchString(name):
		c.reader.Report(m.Optional("name"), "name",
			"the name %q must be 1 to %d small letters, digits and dashes, and begin and end with a letter or digit", name, plan.MaxName)
	case len(name) > plan.MaxName:
		c.reader.Report(m.Optional("name"), "name",
			"the name %q has %d characters; at most %d leave room for the digits that make a case id of it, which must fit a Kubernetes label",
			name, len(name), plan.MaxName)
	}
	return name
}

// version takes the text as it is written: 1.10 is not 1.1.
func (c *compiler) version(m *syntax.Mapping) string {
	n := m.Required("version")
	if n == nil || n.Kind == syntax.Broken {
		return ""
	}
	if !versionForm().MatchString(n.Text) {
		c.reader.Report(n, "version", "the version %q must have three numbers, such as 1.0.0 (semantic versioning)", n.Text)
	}
	return n.Text
}

func versionForm() *regexp.Regexp {
	return regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)
}
