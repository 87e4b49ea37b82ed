package config

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Kinds of targets for messages.
const (
	Webhook = "webhook" // any service that takes JSON
	Slack   = "slack"   // an incoming webhook of Slack, or of what takes the same
)

// Target is where people are told that a case wants something of them.
type Target struct {
	URL     Secret
	Kind    string
	Circles []string // the approvers whose messages come here; empty: all messages
	Person  string   // the one person who reads here; empty: several do
	Links   bool     // a webhook that hands each person's link to that person alone
	Pos     syntax.Position
}

// Address reads where a target is. An error does not repeat it: whoever knows it can write there.
func (t Target) Address(env Lookup) (string, error) {
	text, err := t.URL.Read(env)
	if err == nil && !isWebPage(text) {
		err = fmt.Errorf("what is in %s is no address such as https://hooks.example.com/…", t.URL)
	}
	return text, err
}

// notify reads where people are told. Without any target nobody is.
func (p *parser) notify(list []*syntax.Node) {
	for i, n := range list {
		m := p.reader.Map(n, "a target of messages")
		t := Target{
			Kind: m.OneOf("kind", Webhook, Slack), Circles: m.Texts("circles"), Person: m.Text("person"), Links: m.Bool("links"), Pos: n.Position,
		}
		if m.Node() != nil {
			m.Required("kind")
			m.Required("url")
		}
		p.secret(m, "notify."+strconv.Itoa(i)+".", "url", &t.URL)
		if t.Links && (t.Kind == Slack || t.Person != "") {
			p.reader.Report(m.Optional("links"), "value", `"links" is for a webhook that hands each person's link to that person alone; for one person's own target say "person"`)
		}
		p.decider(m, t)
		m.Done()
		p.config.Notify = append(p.config.Notify, t)
	}
}

// decider checks that the person of a target is known: the link decides in their name.
func (p *parser) decider(m *syntax.Mapping, t Target) {
	known := slices.ContainsFunc(p.config.People, func(one Person) bool { return one.Subject == t.Person })
	if t.Person != "" && !known {
		p.reader.Report(m.Optional("person"), "value", "%q is none of the people", t.Person)
	}
}
