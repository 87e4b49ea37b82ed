package cacao

import (
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// words is a piece of a playbook in Firebreak's own language, as JSON has it.
type words = map[string]any

// put adds what is not empty.
func put(to words, key string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	case int:
		if v == 0 {
			return
		}
	case float64:
		if v == 0 {
			return
		}
	case bool:
		if !v {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	case words:
		if len(v) == 0 {
			return
		}
	case time.Duration:
		if v == 0 {
			return
		}
		value = syntax.Short(v)
	case *plan.Expr:
		if v == nil {
			return
		}
		value = v.Source
	}
	to[key] = value
}

// value writes a template as the file does.
func value(v plan.Value) any {
	switch {
	case v.Expr != nil:
		return hole(v.Expr.Source)
	case v.Text != nil:
		var b strings.Builder
		for _, part := range v.Text {
			if part.Expr != nil {
				b.WriteString(hole(part.Expr.Source))
				continue
			}
			b.WriteString(escape(part.Words))
		}
		return b.String()
	case v.List != nil:
		out := []any{}
		for _, item := range v.List {
			out = append(out, value(item))
		}
		return out
	case v.Map != nil:
		return entries(v.Map)
	case v.Empty == "list":
		return []any{}
	case v.Empty == "map":
		return words{}
	}
	if text, ok := v.Literal.(string); ok {
		return escape(text)
	}
	return v.Literal
}

func hole(source string) string { return "${{ " + source + " }}" }

// escape keeps words from being read as an expression.
func escape(text string) string { return strings.ReplaceAll(text, "${{", "$${{") }

func entries(list []plan.Entry) words {
	out := words{}
	for _, e := range list {
		out[e.Key] = value(e.Value)
	}
	return out
}

// stepWords writes a step as the file does, without the steps inside of it: these are steps of CACAO.
func stepWords(s plan.Step, top bool) words {
	out := words{"id": s.ID}
	if top {
		out["phase"] = s.Phase
	}
	put(out, "if", s.If)
	if s.OnError != "" {
		out["onError"] = string(s.OnError)
	}
	verbWords(s, out)
	if s.Requires != nil {
		out["requires"] = requiresWords(*s.Requires)
	}
	return out
}

func verbWords(s plan.Step, out words) {
	switch {
	case s.Uses != nil:
		usesWords(*s.Uses, out)
		if s.While != nil {
			while := words{"until": s.While.Until.Source, "max": s.While.Max}
			put(while, "every", s.While.Every)
			out["while"] = while
		}
	case s.Foreach != nil:
		out["foreach"] = foreachWords(*s.Foreach)
	case s.Branch != nil:
		out["if"] = s.Branch.Cond.Source
	case s.Switch != nil:
		cases := []any{}
		for _, c := range s.Switch.Cases {
			cases = append(cases, words{"case": c.When.Source})
		}
		out["switch"] = cases
	case s.Approve != nil:
		out["approve"] = approveWords(*s.Approve)
	default:
		plainWords(s, out)
	}
}

func plainWords(s plan.Step, out words) {
	switch {
	case s.Wait != nil:
		wait := words{}
		put(wait, "for", s.Wait.For)
		put(wait, "until", s.Wait.Until)
		put(wait, "onTimeout", s.Wait.OnTimeout)
		out["wait"] = wait
	case s.Call != nil:
		call := words{"playbook": s.Call.Playbook, "version": s.Call.Version}
		put(call, "inputs", entries(s.Call.Inputs))
		out["call"] = call
	case s.Rollback != nil:
		out["rollback"] = words{"reason": value(s.Rollback.Reason)}
	case s.Stop != nil:
		stop := words{"outcome": s.Stop.Outcome}
		if s.Stop.Reason != nil {
			stop["reason"] = value(*s.Stop.Reason)
		}
		out["stop"] = stop
	case s.Set != nil:
		out["set"] = entries(s.Set)
	}
}

func usesWords(u plan.Uses, out words) {
	out["uses"] = u.Activity
	put(out, "with", value(u.With))
	put(out, "timeout", u.Timeout)
	put(out, "heartbeat", u.Heartbeat)
	retry := words{}
	put(retry, "attempts", u.Retry.Attempts)
	put(retry, "initial", u.Retry.Initial)
	put(retry, "backoff", u.Retry.Backoff)
	put(retry, "max", u.Retry.Max)
	put(retry, "never", u.Retry.Never)
	put(retry, "jitter", u.Retry.Jitter)
	put(retry, "when", u.Retry.When)
	put(out, "retry", retry)
	if u.Key != nil {
		out["idempotencyKey"] = value(*u.Key)
	}
	switch {
	case u.Undo == nil:
	case u.Undo.Activity == "":
		out["undo"] = "none"
	default:
		undo := words{"uses": u.Undo.Activity}
		put(undo, "with", value(u.Undo.With))
		put(undo, "timeout", u.Undo.Timeout)
		out["undo"] = undo
	}
}

func foreachWords(f plan.Foreach) words {
	out := words{"in": f.In.Source, "as": f.As, "concurrency": f.Concurrency, "onError": string(f.OnError)}
	put(out, "max", f.Max)
	return out
}

func approveWords(a plan.Approve) words {
	out := words{"title": value(a.Title), "from": a.From, "choices": a.Choices}
	var show []string
	for _, e := range a.Show {
		show = append(show, e.Source)
	}
	put(out, "show", show)
	put(out, "timeout", a.Timeout)
	put(out, "remind", a.Remind)
	if a.Timeout > 0 {
		put(out, "onTimeout", a.OnTimeout)
	}
	put(out, "skipWhen", a.SkipWhen)
	put(out, "onDrill", a.OnDrill)
	var steps []any
	for _, e := range a.Escalate {
		steps = append(steps, words{"after": syntax.Short(e.After), "to": e.To})
	}
	if steps != nil {
		out["escalate"] = steps
	}
	return out
}

func requiresWords(r plan.Requires) words {
	out, waive := words{}, words{}
	var evidence []string
	for _, path := range r.Evidence {
		evidence = append(evidence, strings.ReplaceAll(path, "/", "."))
	}
	put(out, "evidence", evidence)
	for _, w := range r.Waive {
		waive[strings.ReplaceAll(w.Step, "/", ".")] = w.Reason
	}
	put(out, "waive", waive)
	return out
}

func inputWords(in plan.Input) words {
	kind := any(string(in.Type.Kind))
	if in.Type.Kind == activities.List && in.Type.Elem != nil {
		kind = []string{string(in.Type.Elem.Kind)}
	}
	out := words{"type": kind}
	put(out, "doc", in.Doc)
	put(out, "required", in.Required)
	if in.Default != nil {
		out["default"] = in.Default
	}
	return out
}
