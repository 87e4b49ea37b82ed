// Package deploy makes the manifests that follow from the activities' declarations, so that what is granted is what is
// declared and nothing else.
package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

// Where the worker lives in the cluster, and under what name it is known there.
const (
	Namespace      = "firebreak"
	ServiceAccount = "firebreak-worker"
)

// RBAC is the manifest of the worker's namespace, service account and roles: the union of what all activities declare. What
// gives more power than its activity needs stands in a role of its own, which can be left out.
func RBAC(definitions []activities.Definition) []byte {
	var usual, strong strings.Builder
	for _, r := range rules(definitions) {
		b := &usual
		if isStrong(r.resource) {
			b = &strong
		}
		r.write(b, r.comment())
	}
	text := head + role(ServiceAccount, usual.String())
	if strong.Len() > 0 {
		text += strongHead + role(ServiceAccount+"-nodes", strong.String())
	}
	return []byte(text)
}

// isStrong tells the kubelet's whole API, of which a checkpoint is a small part.
func isStrong(resource string) bool { return resource == "nodes/proxy" }

func (r *rule) write(b *strings.Builder, comment []string) {
	for _, line := range comment {
		fmt.Fprintf(b, "  # %s\n", line)
	}
	fmt.Fprintf(b, "  - apiGroups: [%q]\n    resources: [%q]\n    verbs: [%s]\n", r.group, r.resource, quoted(r.sortedVerbs()))
}

const head = `# Made from the activities' declared permissions; change those, then run ` + "`go test ./deploy -update`" + `.
apiVersion: v1
kind: Namespace
metadata:
  name: ` + Namespace + `
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ` + ServiceAccount + `
  namespace: ` + Namespace + `
---
`

const strongHead = `---
# Leave this role out where no node can take checkpoints: who may call a kubelet can also run commands in the node's pods.
`

// role is a role with these rules, given to the worker.
func role(name, rules string) string {
	return `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ` + name + `
rules:
` + rules + `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ` + name + `
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: ` + name + `
subjects:
  - kind: ServiceAccount
    name: ` + ServiceAccount + `
    namespace: ` + Namespace + `
`
}

// rule is all that is done with one resource.
type rule struct {
	group, resource string
	verbs           map[string]bool
	users           map[string]bool // activities
	whys            []Reason        // in the order of the declarations
}

// rules unites the declarations by resource, sorted by group and resource.
func rules(definitions []activities.Definition) []*rule {
	byResource := map[[2]string]*rule{}
	for _, d := range definitions {
		for _, p := range d.Permissions {
			if p.Resource == "" {
				continue
			}
			key := [2]string{p.Group, p.Resource}
			if byResource[key] == nil {
				byResource[key] = &rule{group: p.Group, resource: p.Resource, verbs: map[string]bool{}, users: map[string]bool{}}
			}
			byResource[key].users[d.Name] = true
			byResource[key].whys = append(byResource[key].whys, Reason{d.Name, p.Verbs, p.Why})
			for _, verb := range p.Verbs {
				byResource[key].verbs[verb] = true
			}
		}
	}
	return slices.SortedFunc(maps.Values(byResource), func(a, b *rule) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.resource, b.resource))
	})
}

// comment names the activities that use the rule, a line each hundred characters.
func (r *rule) comment() []string {
	var lines []string
	line := ""
	for _, user := range sortedKeys(r.users) {
		if len(line)+len(user) > 100 {
			lines, line = append(lines, line+","), ""
		}
		if line != "" {
			line += ", "
		}
		line += user
	}
	return append(lines, line)
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// verbOrder is how people read them: looking before writing before removing.
const verbOrder = "get list watch create update patch delete"

func (r *rule) sortedVerbs() []string {
	place := func(verb string) int {
		if i := strings.Index(verbOrder, verb); i >= 0 {
			return i
		}
		return len(verbOrder)
	}
	return slices.SortedFunc(maps.Keys(r.verbs), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
}

func quoted(words []string) string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, fmt.Sprintf("%q", w))
	}
	return strings.Join(out, ", ")
}
