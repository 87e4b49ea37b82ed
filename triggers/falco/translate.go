package falco

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// translate puts an alert into Firebreak's words. `output` is shown and never parsed: the same values stand in
// output_fields, unambiguous.
func translate(doc map[string]any) (plan.Alert, error) {
	r := &reader{doc: doc}
	a := plan.Alert{
		ID:       r.text("uuid"),
		Source:   source,
		Rule:     r.needed("rule"),
		Priority: r.priority("priority"),
		Time:     r.time("time"),
		Summary:  r.anyText("output"),
		Tags:     r.tags("tags"),
	}
	a.Fields = r.fields("output_fields")
	a.Target = target(r, a.Fields)
	a.Target.Node = r.text("hostname")
	if err := errors.Join(r.errs...); err != nil {
		return plan.Alert{}, err
	}
	return a, nil
}

// target reads who the alert is about. Falco writes null, nothing or "<NA>" for what it did not know, and the container
// "host" for a process outside of containers.
func target(r *reader, fields map[string]any) plan.Target {
	t := plan.Target{
		Namespace:     r.field(fields, "k8s.ns.name"),
		Pod:           r.field(fields, "k8s.pod.name"),
		Container:     r.field(fields, "container.name"),
		ContainerID:   r.field(fields, "container.id"),
		Image:         r.field(fields, "container.image.repository"),
		ProcessName:   r.field(fields, "proc.name"),
		ProcessParent: r.field(fields, "proc.pname"),
	}
	if tag := r.field(fields, "container.image.tag"); t.Image != "" && tag != "" {
		t.Image += ":" + tag
	}
	if t.ContainerID == "host" {
		t.Container, t.ContainerID = "", ""
	}
	return t
}

// reader takes typed values out of the document and collects everything that is wrong with it.
type reader struct {
	doc  map[string]any
	errs []error
}

func (r *reader) fail(place, format string, args ...any) {
	r.errs = append(r.errs, &MalformedError{Place: place, Err: fmt.Errorf(format, args...)})
}

func (r *reader) anyText(key string) string { return r.asText(key, r.doc[key], MaxBytes) }

func (r *reader) text(key string) string { return r.asText(key, r.doc[key], maxName) }

func (r *reader) needed(key string) string {
	if r.doc[key] == nil {
		r.fail(key, "is missing")
		return ""
	}
	s := r.text(key)
	if r.doc[key] == "" {
		r.fail(key, "is empty")
	}
	return s
}

func (r *reader) field(fields map[string]any, key string) string {
	s := r.asText(fmt.Sprintf("output_fields[%q]", key), fields[key], maxName)
	if s == "<NA>" {
		return ""
	}
	return s
}

func (r *reader) asText(place string, value any, longest int) string {
	s, ok := value.(string)
	switch {
	case value == nil:
		return ""
	case !ok:
		r.fail(place, "want text, got %s", kind(value))
	case len(s) > longest:
		r.fail(place, "is %d bytes long, at most %d are taken", len(s), longest)
	default:
		return s
	}
	return ""
}

func (r *reader) priority(key string) string {
	given := r.needed(key)
	if rank, known := plan.PriorityRank(given); known {
		return plan.Priorities()[rank]
	}
	if given != "" {
		r.fail(key, "%.40q is none of %s", given, strings.Join(plan.Priorities(), ", "))
	}
	return ""
}

func (r *reader) time(key string) time.Time {
	given := r.needed(key)
	if given == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, given)
	if at = at.UTC(); err != nil || at.Year() < 1970 || at.Year() > 9999 {
		r.fail(key, "%.40q is not a time such as 2006-01-02T15:04:05.999999999Z", given)
		return time.Time{}
	}
	return at
}
