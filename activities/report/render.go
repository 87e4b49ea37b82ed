// Package report renders a case for people: one HTML page that needs nothing but itself.
package report

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// Name is where the report stands in the case directory.
const Name = "report.html"

// Store gives the evidence of a case.
type Store interface {
	Case(id string) (*custody.Case, error)
}

// RenderInput is the input of report.render.
type RenderInput struct {
	Record activities.Record `json:"record" doc:"The run so far: ${{ run.record }}"`
	WebUI  string            `json:"webUI,omitempty" doc:"Address of the run in the Temporal Web UI, where one is known"`
}

// RenderOutput is the output of report.render.
type RenderOutput struct {
	activities.Result

	Report custody.Item `json:"report" doc:"The page"`
}

// Render declares report.render.
func Render(store Store) activities.Definition {
	return activities.Define(activities.Activity[RenderInput, RenderOutput]{
		Name:        "report.render",
		Summary:     "Renders the case as one self-contained HTML page with its timeline drawn.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "The page is evidence and is written once for one key.",
		Timeout:     2 * time.Minute,
		Example: `id: report
phase: improve
uses: report.render
with: {record: "${{ run.record }}"}
`,
		Run: renderer{store}.run,
	})
}

type renderer struct{ store Store }

func (r renderer) run(ctx context.Context, call activities.Call, in RenderInput) (RenderOutput, error) {
	if call.DryRun {
		return RenderOutput{Result: would()}, nil
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
	by := custody.By{Step: call.Step, Key: call.Key}
	item, err := c.Put(ctx, by, Name, "report", func(w io.Writer) error {
		return write(w, pageOf(in, log))
	})
	if err != nil {
		return RenderOutput{}, fmt.Errorf("render report of case %q: %w", call.Case, err)
	}
	summary := fmt.Sprintf("wrote %s, %d bytes", item.Path, item.Size)
	return RenderOutput{Result: activities.Result{Status: activities.Done, Summary: summary}, Report: item}, nil
}

// would is the result of a dry run, which leaves the case directory as it is.
func would() activities.Result {
	const what = "render the case as one page"
	return activities.Result{
		Status: activities.Done, Summary: "would " + what,
		Would: []activities.Difference{{Object: Name, Field: "content", To: what}},
	}
}

//go:embed page.html.tmpl
var pageTemplate string

func write(w io.Writer, p page) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("report template: %w", err)
	}
	return t.Execute(w, p)
}
