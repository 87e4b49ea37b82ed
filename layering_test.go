package firebreak_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/firebreak-ir/firebreak"

// ban forbids imports. A path names a package and everything below it; paths of this module stand without its name.
type ban struct {
	what   []string // what may not be imported
	within []string // the rule is for these packages; empty: for all
	except []string // but not for these
	why    string
}

// bans are the rules of who may import whom, each with the reason that its breach prints.
func bans() []ban {
	return []ban{
		{
			what: []string{"go.temporal.io"}, except: []string{"workflows", "worker", "triggers", "cmd", "bench"},
			why: "activities and playbooks have never heard of Temporal: they are run and tested without it",
		},
		{
			what: []string{"k8s.io", "sigs.k8s.io"}, except: []string{"activities/kube", "activities/live", "worker", "deploy", "e2e"},
			why: "only the rooms that act on a cluster know its client",
		},
		{
			what: []string{"github.com/aws"}, except: []string{"activities/aws", "forensics/block", "worker", "e2e"},
			why: "only the rooms that act on an account, and the reader of EBS snapshots, know the SDK",
		},
		{
			what: []string{"gopkg.in/yaml.v3", "go.yaml.in", "sigs.k8s.io/yaml"}, except: []string{"playbooks/syntax"},
			why: "YAML is read in one place, which knows its traps; everybody else gets a tree with positions",
		},
		{
			what: []string{"cel.dev"}, except: []string{"playbooks"},
			why: "expressions are compiled and evaluated in one place, with one set of limits",
		},
		{
			what:   []string{"workflows", "worker", "triggers", "cmd", "config", "playbooks/compile", "playbooks/syntax", "activities/all"},
			within: []string{"activities"}, except: []string{"activities/all"},
			why: "an activity knows the vocabulary, the evidence and its own service: nothing that runs or configures it",
		},
		{
			what:   []string{"activities", "worker", "triggers", "cmd", "config", "playbooks/compile", "playbooks/syntax", "custody"},
			within: []string{"workflows"}, except: []string{},
			why: "the interpreter runs any plan with any catalog: it knows the plan and the vocabulary only",
		},
		{
			what:   []string{"activities", "workflows", "worker", "triggers", "cmd", "config", "custody", "playbooks"},
			within: []string{"forensics"},
			why:    "the library that reads disks is of use without Firebreak",
		},
		{
			what:   []string{"activities", "workflows", "worker", "triggers", "cmd", "config", "forensics", "playbooks"},
			within: []string{"custody"},
			why:    "evidence is verified with nothing but itself",
		},
		{
			what:   []string{"workflows", "worker", "cmd", "config", "activities", "custody", "forensics"},
			within: []string{"triggers"},
			why:    "alerts are matched and handed over through an interface; who starts the case is the command's business",
		},
		{
			what:   []string{"workflows", "worker", "triggers", "cmd", "custody", "forensics", "config"},
			within: []string{"playbooks"},
			why:    "the compiler is pure: it needs the catalog's declarations and runs nothing",
		},
		{
			what:   []string{"workflows", "worker", "triggers", "cmd", "custody", "forensics", "activities", "playbooks"},
			within: []string{"config"}, except: []string{},
			why: "the configuration is data: it is read before anything is wired",
		},
		{
			what: []string{"config"}, except: []string{"cmd", "config"},
			why: "a part is handed what it needs; only the command reads files",
		},
		{
			what: []string{"cmd", "lab", "demo", "e2e", "bench"}, except: []string{"cmd", "demo", "e2e", "bench"},
			why: "the product does not know its commands, its lab or its tests",
		},
	}
}

// allowed are the exceptions within a ban, package to package.
func allowed(from, to string) bool {
	switch {
	case to == "activities": // the vocabulary
		return !within(from, "forensics") && !within(from, "custody") && !within(from, "config")
	case within(from, "config"):
		return to == "playbooks/syntax" // one reader of YAML, with positions
	case within(from, "activities"):
		return strings.HasPrefix(from, "activities/all")
	}
	return false
}

type goPackage struct {
	ImportPath string
	Name       string
	Imports    []string
	Standard   bool
}

// TestWhoMayImportWhom walks the module's packages and says of every forbidden import why it is forbidden. Tests may
// import more: they are not looked at.
func TestWhoMayImportWhom(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		for _, imported := range p.Imports {
			checkImport(t, from, strings.TrimPrefix(imported, module+"/"))
		}
	}
}

func checkImport(t *testing.T, from, to string) {
	t.Helper()
	for _, b := range bans() {
		if b.forbids(from, to) && !allowed(from, to) {
			t.Errorf("%s imports %s: %s", from, to, b.why)
		}
	}
	if sibling(from, to) {
		t.Errorf("%s imports %s: rooms of activities never import one another; what they share travels in the outputs of steps", from, to)
	}
}

func (b ban) forbids(from, to string) bool {
	inside := len(b.within) == 0 || anyWithin(from, b.within)
	return inside && !anyWithin(from, b.except) && anyWithin(to, b.what) && !sameRoom(from, to)
}

// sameRoom: what stands in one top folder is not held apart by these rules, but for activities.
func sameRoom(from, to string) bool {
	top, _, _ := strings.Cut(to, "/")
	return top != "activities" && within(from, top)
}

func sibling(from, to string) bool {
	if !within(from, "activities") || !strings.HasPrefix(to, "activities/") || within(from, "activities/all") {
		return false
	}
	if to == "activities/conformance" { // the harness of the rooms' tests
		return !strings.HasSuffix(from, "test")
	}
	room := func(p string) string { return strings.Split(p, "/")[1] }
	return from == "activities" || room(from) != room(to)
}

func anyWithin(p string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return within(p, root) })
}

func within(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }

func packages(t *testing.T) []goPackage {
	t.Helper()
	var stderr bytes.Buffer
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Imports,Standard", "./...")
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages only", len(all))
	}
	return all
}

// TestTheRulesCatchABreach shows that the rules forbid what they say.
func TestTheRulesCatchABreach(t *testing.T) {
	tests := []struct {
		from, to string
		breach   bool
	}{
		{"activities/kube", "go.temporal.io/sdk/workflow", true},
		{"activities/kube", "k8s.io/api/core/v1", false},
		{"activities/ticket", "k8s.io/api/core/v1", true},
		{"activities/kube", "activities", false},
		{"activities/kube", "activities/aws", true},
		{"activities/all", "activities/aws", false},
		{"activities/kube/kubetest", "activities/conformance", false},
		{"activities/kube", "activities/conformance", true},
		{"activities", "activities/aws", true},
		{"activities/report", "custody", false},
		{"activities/report", "workflows", true},
		{"forensics/block", "github.com/aws/aws-sdk-go-v2/service/ebs", false},
		{"forensics/ext4", "github.com/aws/aws-sdk-go-v2/service/ebs", true},
		{"forensics/ext4", "activities", true},
		{"workflows", "playbooks/plan", false},
		{"workflows", "activities", false},
		{"workflows", "activities/kube", true},
		{"workflows/cases", "workflows", false},
		{"playbooks/compile", "gopkg.in/yaml.v3", true},
		{"playbooks/syntax", "gopkg.in/yaml.v3", false},
		{"config", "playbooks/syntax", false},
		{"config", "playbooks/compile", true},
		{"worker", "config", true},
		{"cmd/firebreak", "config", false},
		{"custody", "activities", true},
	}
	for _, test := range tests {
		t.Run(path.Join(test.from, "->", test.to), func(t *testing.T) {
			found := sibling(test.from, test.to)
			for _, b := range bans() {
				found = found || b.forbids(test.from, test.to) && !allowed(test.from, test.to)
			}
			if found != test.breach {
				t.Fatalf("forbidden: %v", found)
			}
		})
	}
}
