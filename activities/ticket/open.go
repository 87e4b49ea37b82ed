// Package ticket opens the tickets that make the next incident smaller, in the tracker that the configuration names.
package ticket

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// Ticket is what a tracker is asked to open. Its texts may quote an attacker.
type Ticket struct {
	Key      string // the same on every attempt: one ticket for one key
	Case     string
	Title    string
	Body     string
	Severity string
	Items    []string
	Labels   []string
}

// Reference is where a ticket stands in its tracker.
type Reference struct {
	ID      string
	URL     string
	Existed bool // an earlier attempt had opened it
}

// Tracker opens tickets. Opening the same Key again gives the first one's reference.
type Tracker interface {
	Open(ctx context.Context, t Ticket) (Reference, error)
}

// OpenInput is the input of ticket.open.
type OpenInput struct {
	Title    string   `json:"title" doc:"One line that says what has to become better"`
	Body     string   `json:"body,omitempty" doc:"Plain text below the title"`
	Severity string   `json:"severity,omitempty" doc:"low, medium, high or critical; medium when empty"`
	Items    []string `json:"items,omitempty" doc:"Findings, one line each"`
	Labels   []string `json:"labels,omitempty" doc:"Labels for the tracker"`
}

// OpenOutput is the output of ticket.open.
type OpenOutput struct {
	activities.Result

	ID  string `json:"id" doc:"The ticket's id in its tracker"`
	URL string `json:"url,omitempty" doc:"Where it can be read"`
}

// Open declares ticket.open.
func Open(tracker Tracker) activities.Definition {
	return activities.Define(activities.Activity[OpenInput, OpenOutput]{
		Name:        "ticket.open",
		Summary:     "Opens one improvement ticket in the configured tracker.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "The ticket carries the call's key; the tracker gives back the ticket that already carries it.",
		Timeout:     time.Minute,
		Example: `id: improve
phase: improve
uses: ticket.open
with:
  title: Find out how a shell was started in ${{ alert.target.namespace }}/${{ alert.target.pod }}
  severity: high
`,
		Run: opener{tracker}.run,
	})
}

type opener struct{ tracker Tracker }

func (o opener) run(ctx context.Context, call activities.Call, in OpenInput) (OpenOutput, error) {
	t, err := ticketOf(call, in)
	if err != nil {
		return OpenOutput{}, err
	}
	if call.DryRun {
		would := activities.Difference{Object: "ticket", Field: "title", To: t.Title}
		return OpenOutput{Result: activities.Result{
			Status: activities.Done, Summary: "would open a ticket", Would: []activities.Difference{would},
		}}, nil
	}
	ref, err := o.tracker.Open(ctx, t)
	if err != nil {
		return OpenOutput{}, fmt.Errorf("open ticket %q: %w", t.Title, err)
	}
	summary := fmt.Sprintf("opened ticket %s: %s", ref.ID, t.Title)
	if ref.Existed {
		summary = fmt.Sprintf("ticket %s is open: %s", ref.ID, t.Title)
	}
	return OpenOutput{Result: activities.Result{Status: activities.Done, Summary: summary}, ID: ref.ID, URL: ref.URL}, nil
}

func ticketOf(call activities.Call, in OpenInput) (Ticket, error) {
	title := strings.Join(strings.Fields(in.Title), " ")
	if title == "" {
		return Ticket{}, activities.Invalid(errors.New("the ticket has no title"), "give the step's `with.title`")
	}
	severity := in.Severity
	if severity == "" {
		severity = "medium"
	}
	if !known(severity) {
		return Ticket{}, activities.Invalid(fmt.Errorf("severity %q is unknown", severity), "use low, medium, high or critical")
	}
	return Ticket{
		Key: call.Key, Case: call.Case, Title: title, Body: in.Body, Severity: severity, Items: in.Items, Labels: in.Labels,
	}, nil
}

func known(severity string) bool {
	switch severity {
	case "low", "medium", "high", "critical":
		return true
	}
	return false
}
