package deploy

import (
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

// Role is a ClusterRole with nothing but what these activities declare, each rule with the activities that need it.
func Role(name string, definitions []activities.Definition) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: %s\n", name)
	list := rules(definitions)
	if len(list) == 0 {
		b.WriteString("rules: []\n")
		return []byte(b.String())
	}
	b.WriteString("rules:\n")
	writeRules(&b, list)
	return []byte(b.String())
}

func writeRules(b *strings.Builder, list []*rule) {
	for _, r := range list {
		for _, line := range r.comment() {
			fmt.Fprintf(b, "  # %s\n", line)
		}
		fmt.Fprintf(b, "  - apiGroups: [%q]\n    resources: [%q]\n    verbs: [%s]\n", r.group, r.resource, quoted(r.sortedVerbs()))
	}
}

// Rule is one rule of a Role, for people and programs.
type Rule struct {
	Group    string   `json:"group"`
	Resource string   `json:"resource"`
	Verbs    []string `json:"verbs"`
	For      []string `json:"for"` // activities
}

// Rules are the rules of a Role.
func Rules(definitions []activities.Definition) []Rule {
	out := []Rule{}
	for _, r := range rules(definitions) {
		out = append(out, Rule{Group: r.group, Resource: r.resource, Verbs: r.sortedVerbs(), For: sortedKeys(r.users)})
	}
	return out
}
