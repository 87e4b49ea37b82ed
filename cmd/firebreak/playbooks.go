package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/library"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// source is a playbook's text and where it came from.
type source struct {
	name string
	raw  []byte
}

// playbooks compiles what the configuration names and checks the inputs that it gives. Problems are the files'; the
// error is a machine that cannot read them.
func (a *app) playbooks(cfg config.Config) ([]plan.Plan, []syntax.Problem, error) {
	var plans []plan.Plan
	keys, problems, err := signingKeys(cfg)
	if err != nil || len(problems) > 0 {
		return nil, problems, err
	}
	for _, p := range cfg.Playbooks {
		sources, found, err := sourcesOf(p)
		if err != nil {
			return nil, nil, err
		}
		problems = append(problems, found...)
		for _, s := range sources {
			compiled, found := a.trusted(s, keys)
			if problems = append(problems, found...); len(found) == 0 {
				plans = append(plans, compiled)
			}
		}
	}
	if len(problems) == 0 {
		problems = checkInputs(cfg, plans)
	}
	return plans, syntax.Sort(problems), nil
}

// loaded gives the configured playbooks to a command that needs them whole.
func (a *app) loaded(cfg config.Config) ([]plan.Plan, error) {
	plans, problems, err := a.playbooks(cfg)
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		fmt.Fprintln(a.stderr, safe(p.Error()))
	}
	if len(problems) > 0 {
		return nil, said(exitWrong)
	}
	return plans, nil
}

func sourcesOf(p config.Playbook) ([]source, []syntax.Problem, error) {
	if p.Name != "" {
		raw, known := library.Find(p.Name)
		if !known {
			return nil, []syntax.Problem{p.Pos.Problem("unknown-playbook", "the library has no playbook %q%s", p.Name,
				syntax.DidYouMean(p.Name, library.Names()))}, nil
		}
		return []source{{library.Prefix + p.Name, raw}}, nil, nil
	}
	sources, err := files(p.Path)
	if err == nil && len(sources) == 0 {
		return nil, []syntax.Problem{p.Pos.Problem("missing-file", "the folder %q holds no .yaml file", p.Path)}, nil
	}
	return sources, nil, err
}

// files reads a playbook, or all playbooks of a folder. A playbook's tests stand beside it and are none.
func files(path string) ([]source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("playbook: %w", err)
	}
	names := []string{path}
	if info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(path, "*.y*ml")); err != nil {
			return nil, err
		}
	}
	var out []source
	for _, name := range names {
		if strings.HasSuffix(name, ".test.yaml") {
			continue
		}
		raw, err := readFile(name, syntax.MaxBytes)
		if err != nil {
			return nil, fmt.Errorf("playbook: %w", err)
		}
		out = append(out, source{name, raw})
	}
	return out, nil
}

// checkInputs finds the inputs that an alert's run would fail on, before there is an alert.
func checkInputs(cfg config.Config, plans []plan.Plan) []syntax.Problem {
	var problems []syntax.Problem
	var names []string
	for _, p := range plans {
		names = append(names, p.Name)
		if _, err := plan.CheckInputs(p, cfg.Inputs[p.Name]); err != nil && len(p.Triggers) > 0 {
			problems = append(problems, inputProblem(cfg, p, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Inputs)) {
		if !slices.Contains(names, name) {
			problems = append(problems, cfg.At("inputs."+name).Problem("unknown-playbook",
				"no playbook %q is loaded%s", name, syntax.DidYouMean(name, names)))
		}
	}
	return problems
}

func inputProblem(cfg config.Config, p plan.Plan, err error) syntax.Problem {
	at := cfg.At("inputs." + p.Name)
	if at.Line == 0 {
		at = syntax.Position{File: p.Source, Line: 1, Column: 1}
	}
	return at.Problem("input", "playbook %q: %s", p.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
}

// playbook finds one playbook: a loaded one by its name, the library's by its name, or a file.
func (a *app) playbook(cfg config.Config, name string) (plan.Plan, error) {
	var sources []source
	switch raw, known := library.Find(strings.TrimPrefix(name, library.Prefix)); {
	case strings.ContainsAny(name, "/.") && !strings.HasPrefix(name, library.Prefix):
		found, err := files(name)
		if err != nil {
			return plan.Plan{}, unread(err)
		}
		sources = found
	case known:
		sources = []source{{library.Prefix + strings.TrimPrefix(name, library.Prefix), raw}}
	default:
		return a.loadedPlaybook(cfg, name)
	}
	if len(sources) != 1 {
		return plan.Plan{}, wrongf("%q holds %d playbooks; name one", name, len(sources))
	}
	keys, problems, err := signingKeys(cfg)
	if err != nil {
		return plan.Plan{}, err
	}
	var compiled plan.Plan
	if len(problems) == 0 {
		compiled, problems = a.trusted(sources[0], keys)
	}
	for _, p := range problems {
		fmt.Fprintln(a.stderr, safe(p.Error()))
	}
	if len(problems) > 0 {
		return plan.Plan{}, said(exitWrong)
	}
	return compiled, nil
}

func (a *app) loadedPlaybook(cfg config.Config, name string) (plan.Plan, error) {
	plans, err := a.loaded(cfg)
	if err != nil {
		return plan.Plan{}, err
	}
	names := library.Names()
	for _, p := range plans {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return plan.Plan{}, wrongf("there is no playbook %q%s", name, syntax.DidYouMean(name, names))
}
