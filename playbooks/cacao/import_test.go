package cacao_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/firebreak-ir/firebreak/playbooks/cacao"
	"github.com/firebreak-ir/firebreak/playbooks/layout"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func imported(t *testing.T, raw []byte) cacao.Skeleton {
	t.Helper()
	s, err := cacao.Import(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWhatIsExportedComesBackAsItWas takes a plan to CACAO and back: the plan is the same but for places in the file.
func TestWhatIsExportedComesBackAsItWas(t *testing.T) {
	for _, p := range plans(t) {
		s := imported(t, written(t, cacao.Export(p, options())))
		if len(s.Findings) > 0 {
			t.Errorf("%s: %+v", p.Name, s.Findings)
		}
		text, problems := layout.Format("back.yaml", s.Text)
		if len(problems) > 0 {
			t.Fatalf("%v\n%s", problems, s.Text)
		}
		back := compiled(t, "back.yaml", text)
		same := cmp.Options{
			cmpopts.IgnoreTypes(plan.Position{}), cmpopts.EquateEmpty(),
			cmpopts.IgnoreFields(plan.Plan{}, "Source", "Hash", "Gives"), cmpopts.IgnoreFields(plan.Step{}, "Output"), // keys in another order
			cmpopts.SortSlices(func(a, b plan.Entry) bool { return a.Key < b.Key }),
			cmpopts.SortSlices(func(a, b plan.Approver) bool { return a.Name < b.Name }),
			cmpopts.SortSlices(func(a, b plan.Input) bool { return a.Name < b.Name }),
		}
		if d := cmp.Diff(p, back, same); d != "" {
			t.Errorf("%s: %s", p.Name, d)
		}
	}
}

func foreign(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/phishing.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAForeignPlaybookBecomesASkeletonThatCompiles(t *testing.T) {
	s := imported(t, foreign(t))
	text, problems := layout.Format("phishing.yaml", s.Text)
	if len(problems) > 0 {
		t.Fatalf("%v\n%s", problems, s.Text)
	}
	golden(t, "phishing.golden.yaml", text)
	list, err := json.MarshalIndent(s.Findings, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "phishing.golden.findings.json", append(list, '\n'))
	compiled(t, "phishing.yaml", text)
}

// TestNothingIsDropped looks for every text of a foreign playbook in what became of it.
func TestNothingIsDropped(t *testing.T) {
	raw := foreign(t)
	s := imported(t, raw)
	list, err := json.Marshal(s.Findings)
	if err != nil {
		t.Fatal(err)
	}
	var known any
	if err := json.Unmarshal(raw, &known); err != nil {
		t.Fatal(err)
	}
	all := unescaped(string(s.Text)) + unescaped(string(list))
	step := regexp.MustCompile(`^(end|start)--`)
	structure := []string{"end", "start", "action", "parallel", "if-condition", "while-condition", "switch-condition", "playbook-action", "manual"}
	for _, text := range leaves(known) {
		text = regexp.MustCompile(`__(\w+?)__:value`).ReplaceAllString(text, "$1")
		if step.MatchString(text) || slices.Contains(structure, text) || text == "cacao-2.0" || text == "Q2FsbCB0aGVtIG5vdy4=" {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			if !strings.Contains(regexp.MustCompile(`__(\w+?)__:value|\$\{\{ inputs\.(\w+) \}\}`).ReplaceAllString(all, "$1$2"), line) {
				t.Errorf("lost: %q", line)
			}
		}
	}
}

func unescaped(text string) string {
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n", `\u0026`, "&", `$${{`, "${{").Replace(text)
}

func leaves(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, leaves(item)...)
		}
		return out
	case map[string]any:
		var out []string
		for _, item := range v {
			out = append(out, leaves(item)...)
		}
		return out
	}
	return nil
}

// TestARoundTripKeepsTheSteps takes a foreign playbook through the language and back to CACAO.
func TestARoundTripKeepsTheSteps(t *testing.T) {
	raw := foreign(t)
	var before cacao.Playbook
	if err := json.Unmarshal(raw, &before); err != nil {
		t.Fatal(err)
	}
	p := compiled(t, "phishing.yaml", imported(t, raw).Text)
	after := cacao.Export(p, options())
	wellFormed(t, after)
	var titles []string
	for _, s := range after.Workflow {
		titles = append(titles, s.Name)
	}
	kinds := map[string]int{}
	for _, s := range before.Workflow {
		if s.Type == "end" || s.Type == "start" || s.Name == "Never reached" {
			continue
		}
		kinds[s.Type]++
		name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(s.Name), " ")
		if !slices.Contains(titles, strings.TrimSpace(name)) {
			t.Errorf("step %q is lost: %q", s.Name, titles)
		}
	}
	again := imported(t, written(t, after))
	if len(again.Findings) > 0 {
		t.Errorf("the second time: %+v", again.Findings)
	}
}

func TestAnEditOfOurOwnStepIsListed(t *testing.T) {
	list := plans(t)
	raw := written(t, cacao.Export(list[len(list)-1], options()))
	edited := bytes.Replace(raw, []byte(`"command": "kube.cordon_node"`), []byte(`"command": "kube.delete_pod"`), 1)
	edited = bytes.Replace(edited, []byte(`"name": "tell",`), []byte(`"name": "tell", "colour": "red",`), 1)
	s := imported(t, edited)
	var told []string
	for _, f := range s.Findings {
		told = append(told, f.Step+": "+f.Message)
	}
	want := []string{"cordon: the extension says otherwise, and counts", `tell: the property "colour" has no place in the language`}
	if d := cmp.Diff(want, told); d != "" {
		t.Fatal(d)
	}
}

func TestFilesThatAreNoPlaybook(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":         "{",
		"a list":          "[]",
		"another type":    `{"type": "bundle"}`,
		"another version": `{"type": "playbook", "spec_version": "1.1"}`,
		"two":             `{"type": "playbook", "spec_version": "cacao-2.0"} {}`,
		"a key twice":     `{"type": "playbook", "spec_version": "cacao-2.0", "name": "a", "name": "b"}`,
		"deep":            strings.Repeat("[", 100),
	} {
		if s, err := cacao.Import([]byte(text)); err == nil {
			t.Errorf("%s: %s", name, s.Text)
		}
	}
}

// FuzzImport reads whatever comes: what is read is YAML of ours, the same each time.
func FuzzImport(f *testing.F) {
	head := `{"type":"playbook","spec_version":"cacao-2.0","name":"n","playbook_variables":{"__v__":{"type":"integer","value":"1"}},"workflow_start":"start--1","workflow":{"start--1":{"type":"start","on_completion":"x--1"},"end--1":{"type":"end"},`
	for _, step := range []string{
		`"x--1":{"type":"action","name":"a","commands":[{"type":"bash","command":"x"},{"type":"manual","command":"do"}],"on_success":"end--1","on_failure":"x--2"},"x--2":{"type":"end"}`,
		`"x--1":{"type":"if-condition","condition":"__v__:value = 1 AND NOT (__v__:value > 2)","on_true":"x--2","on_false":"x--2"},"x--2":{"type":"action","commands":[]}`,
		`"x--1":{"type":"switch-condition","switch":"__v__:value","cases":{"1":"x--2","default":"x--2"}},"x--2":{"type":"action","delay":2000}`,
		`"x--1":{"type":"parallel","next_steps":["x--2","x--3"]},"x--2":{"type":"while-condition","condition":"a","on_true":"x--3"},"x--3":{"type":"playbook-action"}`,
	} {
		f.Add([]byte(head + step + "}}"))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := cacao.Import(raw)
		if err != nil {
			return
		}
		again, _ := cacao.Import(raw)
		if !bytes.Equal(s.Text, again.Text) {
			t.Fatal(cmp.Diff(string(s.Text), string(again.Text)))
		}
		if len(s.Text) > syntax.MaxBytes {
			return
		}
		root, problems := syntax.Parse("x.yaml", s.Text)
		for _, p := range problems {
			if p.Rule != "depth" && p.Rule != "duplicate-key" {
				t.Fatalf("%v\n%s", p, s.Text)
			}
		}
		if root.Get("steps") == nil {
			t.Fatalf("no steps:\n%s", s.Text)
		}
	})
}
