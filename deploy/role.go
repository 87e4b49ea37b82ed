package deploy

import (
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

// Role is a ClusterRole with nothing but what these activities declare, each rule with the activities that need it and why.
func Role(name string, definitions []activities.Definition) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: %s\n", name)
	list := rules(definitions)
	if len(list) == 0 {
		b.WriteString("rules: []\n")
		return []byte(b.String())
	}
	b.WriteString("rules:\n")
	for _, r := range list {
		r.write(&b, r.reasons())
	}
	return []byte(b.String())
}

// reasons says, a line each, which activity needs what of the rule, and why.
func (r *rule) reasons() []string {
	var out []string
	for _, w := range r.whys {
		line := w.Activity + ", " + strings.Join(w.Verbs, " and ")
		if w.Why != "" {
			line += ": " + w.Why
		}
		out = append(out, line)
	}
	return out
}

// Rule is one rule of a Role, for people and programs.
type Rule struct {
	Group    string   `json:"group"`
	Resource string   `json:"resource"`
	Verbs    []string `json:"verbs"`
	For      []string `json:"for"` // activities
	Why      []Reason `json:"why"`
}

// Reason is why one activity needs verbs of a rule.
type Reason struct {
	Activity string   `json:"activity"`
	Verbs    []string `json:"verbs"`
	Why      string   `json:"why,omitempty"`
}

// Rules are the rules of a Role.
func Rules(definitions []activities.Definition) []Rule {
	out := []Rule{}
	for _, r := range rules(definitions) {
		out = append(out, Rule{Group: r.group, Resource: r.resource, Verbs: r.sortedVerbs(), For: sortedKeys(r.users), Why: r.whys})
	}
	return out
}
