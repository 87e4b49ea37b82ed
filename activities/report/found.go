package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// found gathers from the outputs of all steps what a responder reads first. Steps share no types; an output takes part
// by carrying a list named findings, containers or warnings.
type found struct {
	Findings   []finding
	Containers []container
	Warnings   []string

	MoreFindings, MoreContainers, MoreWarnings int // that did not fit the page

	Unsent int // steps whose output did not fit the record
}

const (
	maxFindings   = 500 // of each kind: beyond these a page is no summary, and the evidence has them all
	maxContainers = 1000
	maxWarnings   = 200
	maxText       = 2000 // of one text
)

type finding struct{ Severity, Title, Place, SHA256, Step string }

type container struct{ ID, Name, Image, State, Pod, Created, By string }

func foundIn(steps []activities.StepRecord) found {
	var f found
	for _, s := range steps {
		if s.Output == nil && s.Activity != "" && s.Status == activities.StepDone {
			f.Unsent++
		}
		out := asMap(s.Output)
		f.Findings = append(f.Findings, findingsOf(s, out)...)
		if strings.HasPrefix(s.Activity, "forensics.") {
			f.Containers = append(f.Containers, containersOf(s, out)...)
		}
		for _, w := range list(out["warnings"]) {
			f.Warnings = append(f.Warnings, cut(fmt.Sprintf("%s: %v", s.Path, w)))
		}
	}
	f.Containers = merge(f.Containers)
	slices.SortStableFunc(f.Findings, func(a, b finding) int { return weight(a.Severity) - weight(b.Severity) })
	f.Findings, f.MoreFindings = atMost(f.Findings, maxFindings)
	f.Containers, f.MoreContainers = atMost(f.Containers, maxContainers)
	f.Warnings, f.MoreWarnings = atMost(f.Warnings, maxWarnings)
	return f
}

// AllContainers counts those too that did not fit.
func (f found) AllContainers() int { return len(f.Containers) + f.MoreContainers }

// atMost gives the first of a list, and how many were left off.
func atMost[T any](all []T, limit int) (first []T, more int) {
	if len(all) <= limit {
		return all, 0
	}
	return all[:limit], len(all) - limit
}

// cut shortens one text.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

func findingsOf(s activities.StepRecord, out map[string]any) []finding {
	var all []finding
	for _, v := range list(out["findings"]) {
		m := asMap(v)
		title := first(m, "sentence", "title")
		if title == "" {
			continue
		}
		all = append(all, finding{first(m, "severity"), cut(title), cut(first(m, "path", "place")), first(m, "sha256"), s.Path})
	}
	return all
}

// containersOf lists the containers of one output, without the pause containers that only hold a pod together.
func containersOf(s activities.StepRecord, out map[string]any) []container {
	var all []container
	for _, v := range list(out["containers"]) {
		m := asMap(v)
		if m["sandbox"] == true {
			continue
		}
		pod := first(m, "pod", "podName")
		if ns := first(m, "podNamespace"); ns != "" && pod != "" {
			pod = ns + "/" + pod
		}
		all = append(all, container{
			ID: short(first(m, "id", "containerID")), Name: first(m, "name"), Image: first(m, "image"),
			State: first(m, "state", "status"), Pod: pod, Created: seconds(first(m, "created", "createdAt")), By: s.Activity,
		})
	}
	return all
}

// merge makes one line of a container that two activities list: each sees what the other may not.
func merge(all []container) []container {
	var out []container
	for _, c := range all {
		i := slices.IndexFunc(out, func(o container) bool { return o.ID != "" && o.ID == c.ID })
		if i < 0 {
			out = append(out, c)
			continue
		}
		o := &out[i]
		for _, pair := range []struct {
			into *string
			from string
		}{{&o.Name, c.Name}, {&o.Image, c.Image}, {&o.State, c.State}, {&o.Pod, c.Pod}, {&o.Created, c.Created}} {
			*pair.into = cmp.Or(*pair.into, pair.from)
		}
		if !strings.Contains(o.By, c.By) {
			o.By += ", " + c.By
		}
	}
	return out
}

// seconds shortens a time to seconds, as people compare them; text that is no time stays as it is.
func seconds(text string) string {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return at.UTC().Format("2006-01-02 15:04:05")
}

func weight(severity string) int {
	if i := slices.Index([]string{"critical", "high", "medium", "low"}, severity); i >= 0 {
		return i
	}
	return 4
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// first gives the first of these fields that holds text or a number.
func first(m map[string]any, names ...string) string {
	for _, name := range names {
		switch v := m[name].(type) {
		case nil, map[string]any, []any:
		default:
			if text := fmt.Sprint(v); text != "" {
				return text
			}
		}
	}
	return ""
}

func short(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return id
}

func targetOf(alert map[string]any) string {
	t := asMap(alert["target"])
	pod, node := first(t, "pod"), first(t, "node")
	if ns := first(t, "namespace"); ns != "" && pod != "" {
		pod = ns + "/" + pod
	}
	switch {
	case pod != "" && node != "":
		return pod + " on " + node
	case pod != "":
		return pod
	}
	return node
}

// flatten lists an object's leaves by their dotted names, in order.
func flatten(m map[string]any) []field {
	var out []field
	for _, key := range slices.Sorted(maps.Keys(m)) {
		switch v := m[key].(type) {
		case nil:
		case map[string]any:
			for _, f := range flatten(v) {
				out = append(out, field{key + " / " + f.Name, f.Value})
			}
		case []any:
			out = append(out, field{key, cut(strings.Trim(fmt.Sprint(v), "[]"))})
		default:
			if text := fmt.Sprint(v); text != "" {
				out = append(out, field{key, cut(text)})
			}
		}
	}
	return out
}
