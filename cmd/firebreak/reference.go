package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// reference is an activity as its documentation shows it.
type reference struct {
	Name        string                  `json:"name"`
	Summary     string                  `json:"summary"`
	Effect      activities.Effect       `json:"effect"`
	Volatility  activities.Rank         `json:"volatility,omitempty"`
	Place       activities.Place        `json:"place"`
	Undo        bool                    `json:"undo"`
	Idempotency string                  `json:"idempotency"`
	Timeout     string                  `json:"timeout"`
	Heartbeat   string                  `json:"heartbeat,omitempty"`
	Input       []field                 `json:"input"`
	Output      []field                 `json:"output"`
	Permissions []activities.Permission `json:"permissions"`
	Example     string                  `json:"example"`
}

// field is one field, with the fields inside it following it under their dotted names.
type field struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required,omitempty"`
	Doc      string `json:"doc,omitempty"`
}

func (f field) need() string {
	if f.Required {
		return ", required"
	}
	return ""
}

func referenceOf(d activities.Definition) (reference, error) {
	in, err := activities.TypeOf(d.In)
	if err != nil {
		return reference{}, fmt.Errorf("input of %q: %w", d.Name, err)
	}
	out, err := activities.TypeOf(d.Out)
	if err != nil {
		return reference{}, fmt.Errorf("output of %q: %w", d.Name, err)
	}
	r := reference{
		Name: d.Name, Summary: d.Summary, Effect: d.Effect, Volatility: d.Volatility, Place: d.Place, Undo: d.Undo != nil,
		Idempotency: d.Idempotency, Timeout: syntax.Short(d.Timeout), Permissions: d.Permissions, Example: d.Example,
		Input: fieldsOf("", in, true), Output: fieldsOf("", out, false),
	}
	if d.Heartbeat > 0 {
		r.Heartbeat = syntax.Short(d.Heartbeat)
	}
	return r, nil
}

func fieldsOf(prefix string, t activities.Type, input bool) []field {
	out := []field{}
	for _, f := range t.Fields {
		name := prefix + f.Name
		out = append(out, field{Name: name, Type: typeWord(f.Type), Required: input && f.Required, Doc: f.Doc})
		inner, deeper := f.Type, name+"."
		if inner.Elem != nil {
			inner, deeper = *inner.Elem, name+"[]."
		}
		out = append(out, fieldsOf(deeper, inner, input)...)
	}
	return out
}

func typeWord(t activities.Type) string {
	if t.Elem == nil {
		return string(t.Kind)
	}
	if t.Kind == activities.Map {
		return "map of " + typeWord(*t.Elem)
	}
	return "list of " + typeWord(*t.Elem)
}

// facts are what is true of the activity as a whole.
func (r reference) facts() [][2]string {
	lines := [][2]string{{"Effect", effectText(r)}, {"Runs on", placeText(r.Place)}, {"Timeout", r.Timeout + " for one attempt"}}
	if r.Volatility != activities.NoRank {
		lines = append(lines, [2]string{"Volatility", fmt.Sprintf("rank %d of 8 (RFC 3227): a lower rank is captured first", r.Volatility)})
	}
	return append(lines, [2]string{"Run twice", r.Idempotency})
}

func effectText(r reference) string {
	switch r.Effect {
	case activities.Read:
		return "read: looks, changes nothing"
	case activities.Capture:
		return "capture: adds evidence, changes no target"
	case activities.Change:
		return "change: changes a target and can undo it"
	case activities.Destroy:
		return "destroy: no undo brings it back"
	}
	return string(r.Effect)
}

func placeText(p activities.Place) string {
	if p == activities.OnAnalysis {
		return "analysis workers, which hold no cluster's credentials"
	}
	return "workers with the cluster's and account's credentials"
}

func permissionText(p activities.Permission) string {
	if p.IAM != "" {
		return p.IAM
	}
	resource := p.Resource
	if p.Group != "" {
		resource += "." + p.Group
	}
	return resource + ": " + strings.Join(p.Verbs, ", ")
}

// writeMarkdown writes docs/activities.md.
func writeMarkdown(to io.Writer, list []reference) error {
	var b strings.Builder
	b.WriteString("# Activities\n\nWritten by `firebreak activities --output markdown`; a test compares it with the catalog.\n\n")
	b.WriteString("| Activity | Effect | What it does |\n|---|---|---|\n")
	for _, r := range list {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", r.Name, anchor(r.Name), r.Effect, cell(r.Summary))
	}
	for _, r := range list {
		markdownOf(&b, r)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func markdownOf(b *strings.Builder, r reference) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| | |\n|---|---|\n", r.Name, r.Summary)
	for _, line := range r.facts() {
		fmt.Fprintf(b, "| %s | %s |\n", line[0], cell(line[1]))
	}
	for _, p := range r.Permissions {
		fmt.Fprintf(b, "| Needs | `%s`: %s |\n", permissionText(p), cell(p.Why))
	}
	writeFields(b, "Input", r.Input)
	writeFields(b, "Output", r.Output)
	fmt.Fprintf(b, "\n```yaml\n%s\n```\n", strings.TrimSpace(r.Example))
}

func writeFields(b *strings.Builder, title string, fields []field) {
	if len(fields) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s | Type | What it is |\n|---|---|---|\n", title)
	for _, f := range fields {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.Name, f.Type+f.need(), cell(f.Doc))
	}
}

func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", "\\|"), "\n", " ")
}

// anchor is what Markdown viewers make of a heading.
func anchor(name string) string { return strings.ReplaceAll(name, ".", "") }
