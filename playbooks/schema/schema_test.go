package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/library"
	"github.com/firebreak-ir/firebreak/playbooks/schema"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := schema.Of(all.Catalog(all.Deps{}))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("playbook.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("playbook.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain reads YAML as an editor's language server does.
func plain(n *syntax.Node) any {
	switch n.Kind {
	case syntax.Bool:
		return strings.EqualFold(n.Text, "true")
	case syntax.Int:
		v, _ := strconv.ParseFloat(n.Text, 64)
		return v
	case syntax.Float:
		v, _ := strconv.ParseFloat(n.Text, 64)
		return v
	case syntax.List:
		out := []any{}
		for _, item := range n.Items {
			out = append(out, plain(item))
		}
		return out
	case syntax.Map:
		out := map[string]any{}
		for _, e := range n.Entries {
			out[e.Key.Text] = plain(e.Value)
		}
		return out
	case syntax.Null:
		return nil
	}
	return n.Text
}

func parsed(t *testing.T, name string, raw []byte) any {
	t.Helper()
	root, problems := syntax.Parse(name, raw)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return plain(root)
}

func TestPlaybooksThatCompileFitTheSchema(t *testing.T) {
	s := compiled(t)
	for _, name := range library.Names() {
		raw, _ := library.Find(name)
		if err := s.Validate(parsed(t, name, raw)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	files, _ := filepath.Glob("../graph/testdata/*.yaml")
	skeletons, _ := filepath.Glob("../../cmd/firebreak/skeletons/*.yaml")
	for _, file := range append(files, skeletons...) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(parsed(t, file, raw)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

const head = "apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: a, version: 1.0.0}\n"

// some are steps that nothing is wrong with.
const some = "steps: [{id: a, phase: identify, wait: 10m}]\n"

func TestMistakesDoNotFit(t *testing.T) {
	s := compiled(t)
	step := func(text string) string { return head + "steps:\n  - " + text + "\n" }
	good := step(`{id: a, phase: identify, uses: kube.cordon_node, with: {node: "${{ alert.target.node }}"}}`)
	if err := s.Validate(parsed(t, "good", []byte(good))); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(parsed(t, "some", []byte(head+some))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"an unknown activity":     step(`{id: a, phase: identify, uses: kube.cordon_nod, with: {node: n}}`),
		"an unknown field":        step(`{id: a, phase: identify, uses: kube.cordon_node, with: {nod: n, node: n}}`),
		"a missing field":         step(`{id: a, phase: identify, uses: kube.cordon_node, with: {}}`),
		"a wrong type":            step(`{id: a, phase: identify, uses: kube.cordon_node, with: {node: [n]}}`),
		"an unknown key":          step(`{id: a, phase: identify, use: kube.cordon_node}`),
		"an unknown phase":        step(`{id: a, phase: identity, wait: 10m}`),
		"a wrong duration":        step(`{id: a, phase: identify, wait: 10 minutes}`),
		"an unknown top key":      head + "stepss: []\n" + some,
		"an unknown trigger":      head + "triggers: [{id: a, falcon: {}}]\n" + some,
		"a wrong priority":        head + "triggers: [{id: a, falco: {minPriority: Loud}}]\n" + some,
		"a wrong guard":           head + "guards: {maxTargets: {pods: many}}\n" + some,
		"two verbs":               step(`{id: a, phase: identify, wait: 10m, stop: {outcome: x}}`),
		"no verb":                 step(`{id: a, phase: identify}`),
		"with without uses":       step(`{id: a, phase: identify, wait: 10m, with: {}}`),
		"two sources":             head + "triggers: [{id: a, falco: {}, cloudevents: {}}]\nsteps: [{id: a, phase: identify, wait: 10m}]\n",
		"no steps":                head + "steps: []\n",
		"another kind":            strings.Replace(head, "Playbook", "Book", 1) + some,
		"a wrong retry inside do": step(`{id: a, phase: identify, foreach: {in: "[]"}, do: [{id: b, wait: 1m, retry: {attempts: 0}}]}`),
	} {
		if err := s.Validate(parsed(t, name, []byte(text))); err == nil {
			t.Errorf("%s fits", name)
		}
	}
}

// TestTheSchemaKnowsEveryKeyOfTheLanguage compares it with the playbooks that compile: a key that the compiler takes and the
// schema does not would be a lie at each keystroke.
func TestTheSchemaKnowsEveryKeyOfTheLanguage(t *testing.T) {
	raw, err := schema.Of(all.Catalog(all.Deps{}))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../compile/testdata/ok/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	free := []string{"with", "inputs", "set", "outputs", "labels", "waive", "map", "approvers"} // hold names of the author's own
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		root, _ := syntax.Parse(file, text)
		var walk func(*syntax.Node)
		walk = func(n *syntax.Node) {
			for _, item := range n.Items {
				walk(item)
			}
			for _, e := range n.Entries {
				if !bytes.Contains(raw, []byte(`"`+e.Key.Text+`":`)) {
					t.Errorf("%s:%d: the schema does not know %q", file, e.Key.Line, e.Key.Text)
				}
				if !slices.Contains(free, e.Key.Text) {
					walk(e.Value)
				}
			}
		}
		walk(root)
	}
}
