package cacao_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/cacao"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/library"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func options() cacao.Options {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return cacao.Options{Created: at, Modified: at.Add(time.Hour)}
}

func compiled(t *testing.T, name string, text []byte) plan.Plan {
	t.Helper()
	p, problems := compile.With(name, text, compile.Options{
		Catalog: all.Catalog(all.Deps{}),
		Read:    func(string) ([]byte, error) { return []byte(`{"rule": "Terminal shell in container"}`), nil },
		Find: func(name string) ([]compile.Source, error) {
			raw, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
			return []compile.Source{{File: name + ".yaml", Data: raw}}, err
		},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p.Hash = "hash" // it changes with every activity, and golden files would too
	return p
}

// plans are the playbooks of the library, and one that has every verb.
func plans(t *testing.T) []plan.Plan {
	t.Helper()
	var out []plan.Plan
	for _, name := range library.Names() {
		raw, _ := library.Find(name)
		out = append(out, compiled(t, library.Prefix+name, raw))
	}
	raw, err := os.ReadFile("testdata/verbs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, compiled(t, "verbs.yaml", raw))
}

func written(t *testing.T, p cacao.Playbook) []byte {
	t.Helper()
	raw, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(raw, '\n')
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Fatal(d)
	}
}

func TestExportIsTheSameEachTime(t *testing.T) {
	for _, p := range plans(t) {
		first := written(t, cacao.Export(p, options()))
		for range 5 {
			if d := cmp.Diff(string(first), string(written(t, cacao.Export(p, options())))); d != "" {
				t.Fatal(d)
			}
		}
		if p.Name == "verbs" {
			golden(t, "verbs.cacao.json", first)
		}
	}
}

// TestExportIsCACAO checks what the specification says of every playbook and step.
func TestExportIsCACAO(t *testing.T) {
	for _, p := range plans(t) {
		out := cacao.Export(p, options())
		wellFormed(t, out)
		paths := map[string]bool{}
		for _, s := range out.Workflow {
			for _, ext := range s.Extensions {
				paths[ext.(map[string]any)["firebreak_path"].(string)] = true
			}
		}
		plan.Walk(func(s plan.Step) {
			if !paths[s.Path] {
				t.Errorf("%s: step %s is missing", p.Name, s.Path)
			}
		}, p.Steps, p.Finally)
	}
}

func wellFormed(t *testing.T, p cacao.Playbook) {
	t.Helper()
	id := regexp.MustCompile(`^[a-z][a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-([45])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	variable := regexp.MustCompile(`^__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__$`)
	if m := id.FindStringSubmatch(p.ID); m == nil || m[1] != "5" || p.SpecVersion != "cacao-2.0" || p.Workflow[p.Start].Type != "start" {
		t.Errorf("%s, %s, %s", p.ID, p.SpecVersion, p.Start)
	}
	for name := range p.Variables {
		if !variable.MatchString(name) {
			t.Errorf("variable %q", name)
		}
	}
	led := map[string]bool{p.Start: true}
	for key, s := range p.Workflow {
		if m := id.FindStringSubmatch(key); m == nil || m[1] != "4" || !strings.HasPrefix(key, s.Type+"--") {
			t.Errorf("step %q of type %q", key, s.Type)
		}
		for _, to := range leads(s) {
			led[to] = true
			if _, known := p.Workflow[to]; !known {
				t.Errorf("%s leads to %s, which is not there", key, to)
			}
		}
		rules(t, p, key, s)
	}
	for key := range p.Workflow {
		if !led[key] && key != p.Exception && p.Workflow[key].Type != "end" {
			t.Errorf("nothing leads to %s", key)
		}
	}
}

// rules are those of the types of steps.
func rules(t *testing.T, p cacao.Playbook, key string, s cacao.Step) {
	t.Helper()
	ends := s.OnCompletion == "" && s.OnSuccess == "" && s.OnFailure == ""
	if s.Type == "end" != ends || s.OnCompletion != "" && (s.OnSuccess != "" || s.OnFailure != "") {
		t.Errorf("%s leads to %q", key, leads(s))
	}
	switch s.Type {
	case "action":
		if _, known := p.Agents[s.Agent]; !known || len(s.Commands) == 0 || s.Commands[0].Command == "" {
			t.Errorf("%s has no agent or no command: %+v", key, s)
		}
	case "if-condition", "while-condition":
		if s.Condition == "" || s.OnTrue == "" {
			t.Errorf("%s has no condition", key)
		}
	case "parallel":
		if len(s.NextSteps) < 2 {
			t.Errorf("%s has %d branches", key, len(s.NextSteps))
		}
	case "switch-condition":
		if s.Switch == "" || len(s.Cases) == 0 {
			t.Errorf("%s has no cases", key)
		}
	}
	for _, name := range slices.Concat(s.InArgs, s.OutArgs) {
		if _, known := p.Variables[name]; !known {
			t.Errorf("%s: variable %s is not there", key, name)
		}
	}
}

func leads(s cacao.Step) []string {
	out := slices.Concat([]string{s.OnCompletion, s.OnSuccess, s.OnFailure, s.OnTrue, s.OnFalse}, s.NextSteps)
	for _, to := range s.Cases {
		out = append(out, to)
	}
	return slices.DeleteFunc(out, func(to string) bool { return to == "" })
}
