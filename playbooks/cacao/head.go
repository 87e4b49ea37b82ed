package cacao

import (
	"fmt"
	"strconv"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// headWords writes all of a playbook but its steps, as the file does.
func headWords(p plan.Plan) words {
	meta := words{"name": p.Name, "version": p.Version}
	put(meta, "title", p.Title)
	put(meta, "owner", p.Owner)
	labels := words{}
	for key, text := range p.Labels {
		labels[key] = text
	}
	put(meta, "labels", labels)
	out := words{"metadata": meta}
	inputs := words{}
	for _, in := range p.Inputs {
		inputs[in.Name] = inputWords(in)
	}
	put(out, "inputs", inputs)
	if len(p.Triggers) > 0 {
		out["triggers"] = triggerWords(p.Triggers)
		dedup := words{"key": p.Dedup.Key.Source}
		put(dedup, "onDuplicate", string(p.Dedup.OnDuplicate))
		put(dedup, "reopenWithin", p.Dedup.ReopenWithin)
		out["dedup"] = dedup
	}
	if p.Guards != nil {
		out["guards"] = guardWords(*p.Guards)
	}
	put(out, "approvers", approverWords(p.Approvers))
	slo := words{}
	for _, o := range p.SLO {
		slo[o.Phase] = syntax.Short(o.Within)
	}
	put(out, "slo", slo)
	put(out, "outputs", entries(p.Outputs))
	return out
}

func triggerWords(list []plan.Trigger) []any {
	out := []any{}
	for _, t := range list {
		one := words{"id": t.ID}
		switch {
		case t.Falco != nil:
			one["falco"] = falcoWords(*t.Falco)
		case t.Alertmanager != nil:
			one["alertmanager"] = alertmanagerWords(*t.Alertmanager)
		case t.CloudEvents != nil:
			one["cloudevents"] = cloudEventWords(*t.CloudEvents)
		case t.Schedule != nil:
			one["schedule"] = scheduleWords(*t.Schedule)
		}
		put(one, "mode", string(t.Mode))
		if t.Alert != nil {
			one["alert"] = t.Alert // the file's content: a playbook of CACAO is one file
		}
		out = append(out, one)
	}
	return out
}

func falcoWords(t plan.FalcoTrigger) words {
	out := words{}
	put(out, "minPriority", t.MinPriority)
	put(out, "rules", t.Rules)
	put(out, "when", t.When)
	return out
}

func alertmanagerWords(t plan.AlertmanagerTrigger) words {
	out := words{}
	var matchers []string
	for _, m := range t.Matchers {
		matchers = append(matchers, fmt.Sprintf("%s%s%s", m.Label, m.Op, strconv.Quote(m.Value)))
	}
	put(out, "matchers", matchers)
	put(out, "when", t.When)
	return out
}

func cloudEventWords(t plan.CloudEventsTrigger) words {
	out, table := words{}, words{}
	put(out, "types", t.Types)
	put(out, "source", t.Source)
	put(out, "when", t.When)
	for _, e := range t.Map {
		if e.Value.Expr != nil {
			table[e.Key] = e.Value.Expr.Source
		}
	}
	put(out, "map", table)
	return out
}

func scheduleWords(t plan.ScheduleTrigger) words {
	out := words{"cron": t.Cron, "overlap": t.Overlap}
	put(out, "timezone", t.Timezone)
	put(out, "jitter", t.Jitter)
	put(out, "catchup", t.Catchup)
	return out
}

func guardWords(g plan.Guards) words {
	out, most, protect := words{"onTrip": g.OnTrip}, words{}, words{}
	put(most, "pods", g.Pods)
	put(most, "nodes", g.Nodes)
	put(most, "nodePercent", g.NodePercent)
	put(out, "maxTargets", most)
	put(protect, "namespaces", g.Protect.Namespaces)
	put(protect, "when", g.Protect.When)
	put(protect, "openControlPlane", g.Protect.OpenControlPlane)
	put(out, "protect", protect)
	if g.Rate != nil {
		out["rate"] = words{"runs": g.Rate.Runs, "per": syntax.Short(g.Rate.Per), "scope": g.Rate.Scope}
	}
	if g.Lock != nil {
		out["lock"] = value(*g.Lock)
	}
	put(out, "from", g.From)
	return out
}

func approverWords(list []plan.Approver) words {
	out := words{}
	for _, a := range list {
		one := words{"quorum": a.Quorum}
		put(one, "groups", a.Groups)
		put(one, "subjects", a.Subjects)
		put(one, "notRequester", a.NotRequester)
		out[a.Name] = one
	}
	return out
}

// timestamp writes a time as CACAO wants it: UTC, to the millisecond.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
