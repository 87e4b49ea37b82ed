// Package report renders a case for people: one HTML page that needs nothing but itself.
package report

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// Where the report stands in the case directory.
const (
	Name         = "data/report.html"
	MarkdownName = "data/report.md"
)

// Store gives the evidence of a case.
type Store interface {
	Case(id string) (*custody.Case, error)
	Accepts(to string) error
}

// RenderInput is the input of report.render.
type RenderInput struct {
	Record  activities.Record `json:"record,omitzero" default:"run.record" doc:"The run so far: ${{ run.record }}, which a playbook may leave out"`
	Formats []string          `json:"formats,omitempty" doc:"html, markdown or both; html when empty"`
	To      string            `json:"to,omitempty" doc:"Evidence store, file:// and the worker's own directory; the worker's own when empty"`
	WebUI   string            `json:"webUI,omitempty" doc:"Address of the run in the Temporal Web UI, where one is known"`
}

// RenderOutput is the output of report.render.
type RenderOutput struct {
	activities.Result

	Report  custody.Item   `json:"report" doc:"The first of the pages"`
	Reports []custody.Item `json:"reports" doc:"One page a format, in the order of the formats"`
}

// Render declares report.render.
func Render(store Store) activities.Definition {
	return activities.Define(activities.Activity[RenderInput, RenderOutput]{
		Name:        "report.render",
		Summary:     "Renders the case as one self-contained HTML page with its timeline drawn, as Markdown, or as both.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "A page is evidence and is written once for one key.",
		Timeout:     2 * time.Minute,
		Example: `id: report
phase: improve
uses: report.render
with: {record: "${{ run.record }}", formats: [html, markdown]}
`,
		Run: renderer{store}.run,
	})
}

type renderer struct{ store Store }

func (r renderer) run(ctx context.Context, call activities.Call, in RenderInput) (RenderOutput, error) {
	formats, err := r.check(&in)
	if err != nil {
		return RenderOutput{}, err
	}
	if call.DryRun {
		return would(formats), nil
	}
	if r.store == nil {
		return RenderOutput{}, errors.New("no evidence store is configured for this worker")
	}
	c, err := r.store.Case(call.Case)
	if err != nil {
		return RenderOutput{}, err
	}
	log, err := c.Log()
	if err != nil {
		return RenderOutput{}, err
	}
	out, p := RenderOutput{}, pageOf(in, log)
	for _, f := range formats {
		item, err := c.Put(ctx, custody.By{Step: call.Step, Key: call.Key}, f.file, "report", func(w io.Writer) error { return f.write(w, p) })
		if err != nil {
			return RenderOutput{}, fmt.Errorf("render report of case %q: %w", call.Case, err)
		}
		out.Reports = append(out.Reports, item)
	}
	out.Report = out.Reports[0]
	out.Status, out.Summary = activities.Done, sentence(out.Reports)
	return out, nil
}

// format is one way to show a page.
type format struct {
	file  string
	write func(io.Writer, page) error
}

// check gives the formats that are wanted.
func (r renderer) check(in *RenderInput) ([]format, error) {
	if err := activities.CheckStore(r.store, in.To); err != nil {
		return nil, err
	}
	if in.Record.Case == "" {
		return nil, activities.Invalid(errors.New("the record of the run is missing"), "pass record: ${{ run.record }}")
	}
	if len(in.Formats) == 0 {
		in.Formats = []string{"html"}
	}
	var out []format
	for i, name := range in.Formats {
		switch {
		case slices.Contains(in.Formats[:i], name): // once is enough
		case name == "html":
			out = append(out, format{Name, writeHTML})
		case name == "markdown":
			out = append(out, format{MarkdownName, writeMarkdown})
		default:
			return nil, activities.Invalid(fmt.Errorf("report format %q is unknown", name), "use html or markdown")
		}
	}
	return out, nil
}

func sentence(items []custody.Item) string {
	var words []string
	for _, item := range items {
		words = append(words, fmt.Sprintf("%s, %d bytes", item.Path, item.Size))
	}
	return "wrote " + strings.Join(words, "; ")
}

// would is the output of a dry run, which leaves the case directory as it is.
func would(formats []format) RenderOutput {
	out := RenderOutput{Reports: []custody.Item{}}
	for _, f := range formats {
		out.Would = append(out.Would, activities.Difference{Object: f.file, Field: "content", To: "render the case as one page"})
	}
	out.Status, out.Summary = activities.Done, "would render the case as one page"
	return out
}

//go:embed page.html.tmpl
var pageTemplate string

func writeHTML(w io.Writer, p page) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("report template: %w", err)
	}
	return t.Execute(w, p)
}
