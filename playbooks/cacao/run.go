package cacao

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Run is what became of a case.
type Run struct {
	activities.Record

	Status  string
	Outputs map[string]any
}

// ExportRun writes the plan of a case with what its run did, in an extension. It is derived from the playbook, and its steps
// have the ids that they have there.
func ExportRun(p plan.Plan, r Run, o Options) Playbook {
	out := Export(p, o)
	out.DerivedFrom = []string{out.ID}
	out.ID = "playbook--" + uuid5(ours, "run "+r.Case)
	out.Description = strings.TrimSpace(fmt.Sprintf("%s: case %s, %s", p.Title, r.Case, r.Status))
	out.Extensions[runExtension()] = words{"firebreak_run": runWords(r, stepIDs(out))}
	out.ExtDefinitions[runExtension()] = Extension{
		Type: "extension-definition", Name: "Firebreak run", CreatedBy: out.CreatedBy, Version: "1.0.0",
		Description: "firebreak_run: what a run of the playbook did, who decided, and what became of each step",
		Schema:      "See docs/cacao.md of Firebreak.",
	}
	return out
}

// stepIDs finds the outermost step of CACAO of each path.
func stepIDs(p Playbook) map[string]string {
	out := map[string]string{}
	for id, s := range p.Workflow {
		ext, _ := s.Extensions[stepExtension()].(words)
		path, _ := ext["firebreak_path"].(string)
		if part := ext["firebreak_part"]; path != "" && part != body && part != caught {
			out[path] = id
		}
	}
	return out
}

func runWords(r Run, ids map[string]string) words {
	out := words{
		"case": r.Case, "cluster": r.Cluster, "status": r.Status, "alerts": r.Alerts, "started": timestamp(r.Started),
		"alert": r.Alert, "plan_hash": r.PlanHash,
	}
	put(out, "outcome", r.Outcome)
	put(out, "mode", r.Mode)
	put(out, "dry_run", r.DryRun)
	put(out, "outputs", r.Outputs)
	if !r.Ended.IsZero() {
		out["ended"] = timestamp(r.Ended)
	}
	var decided, steps, guards, further []any
	for _, a := range r.Further {
		further = append(further, a)
	}
	for _, d := range r.Decided {
		decided = append(decided, decidedWords(d, ids))
	}
	for _, s := range r.Steps {
		steps = append(steps, recordWords(s, ids))
	}
	for _, g := range r.Guards {
		guards = append(guards, g)
	}
	for key, list := range map[string][]any{"decided": decided, "steps": steps, "guards": guards, "further_alerts": further} {
		if list != nil {
			out[key] = list
		}
	}
	return out
}

// bare takes the iterations out of a path.
func bare(path string) string { return regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "") }

func decidedWords(d activities.Decided, ids map[string]string) words {
	out := words{"choice": d.Choice, "by": d.By, "at": timestamp(d.At)}
	put(out, "path", d.Step)
	put(out, "step", ids[bare(d.Step)])
	put(out, "why", d.Why)
	return out
}

func recordWords(s activities.StepRecord, ids map[string]string) words {
	out := words{"path": s.Path, "status": string(s.Status), "started": timestamp(s.Started)}
	put(out, "step", ids[bare(s.Path)])
	put(out, "activity", s.Activity)
	put(out, "summary", s.Summary)
	put(out, "error", s.Error)
	put(out, "attempts", s.Attempts)
	if !s.Ended.IsZero() {
		out["ended"] = timestamp(s.Ended)
	}
	if s.Output != nil {
		out["output"] = summarised(s.Output)
	}
	return out
}

// mostText is how much of a text of an output is kept: the whole stands in the case's evidence.
const mostText = 200

// summarised keeps the plain values of an output, and counts the rest.
func summarised(v any) any {
	fields, ok := v.(map[string]any)
	if !ok {
		return counted(v)
	}
	out := words{}
	for key, inner := range fields {
		out[key] = counted(inner)
	}
	return out
}

func counted(v any) any {
	switch v := v.(type) {
	case string:
		if text := []rune(v); len(text) > mostText {
			return string(text[:mostText]) + "…"
		}
	case []any:
		return fmt.Sprintf("%d items", len(v))
	case map[string]any:
		return fmt.Sprintf("%d fields", len(v))
	}
	return v
}
