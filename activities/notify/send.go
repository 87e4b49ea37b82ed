// Package notify tells people what a case wants of them, through the webhooks that the configuration names.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// SendInput is the input of notify.send. Its texts may quote an attacker.
type SendInput struct {
	Title    string   `json:"title" doc:"One line that says what is the matter"`
	Text     string   `json:"text,omitempty" doc:"What people should know besides"`
	Severity string   `json:"severity,omitempty" doc:"How bad it is, such as the alert's priority"`
	Links    []Link   `json:"links,omitempty" doc:"Where to read more; http and https alone"`
	To       Audience `json:"to,omitzero" doc:"Whom it is for; everybody when left out"`
	Cluster  string   `json:"cluster,omitempty" doc:"The cluster that the case is about"`
	About    string   `json:"about,omitempty" doc:"Path of the step that waits for a decision: people get a link to it"`
}

// Link is an address with words.
type Link struct {
	Title string `json:"title,omitempty" doc:"What is there"`
	URL   string `json:"url" doc:"The address"`
}

// Audience is whom a message is for.
type Audience struct {
	Circles  []string `json:"circles,omitempty" doc:"Names of approvers: their targets get it"`
	Groups   []string `json:"groups,omitempty" doc:"Groups: targets of their members get it too"`
	Subjects []string `json:"subjects,omitempty" doc:"People whom it is for, by name"`
}

// SendOutput is the output of notify.send.
type SendOutput struct {
	activities.Result

	Sent   int `json:"sent" doc:"How many targets took the message"`
	Failed int `json:"failed" doc:"How many refused it for good"`
}

// Send declares notify.send. Its effect is a read: it changes nothing that a guard protects, and it is no evidence.
func Send(t Targets) activities.Definition {
	return activities.Define(activities.Activity[SendInput, SendOutput]{
		Name:        "notify.send",
		Summary:     "Tells people something through the configured webhooks.",
		Effect:      activities.Read,
		Place:       activities.OnAnalysis,
		Idempotency: "Each request carries the call's key as Idempotency-Key, and a target that took the message is not asked again by a later attempt.",
		Timeout:     time.Minute,
		Example: `id: tell
phase: coordinate
uses: notify.send
with:
  title: A shell in ${{ alert.target.namespace }}/${{ alert.target.pod }}
  severity: ${{ alert.priority }}
  to: {circles: [ir-lead]}
`,
		Run: t.run,
	})
}

func (t Targets) run(ctx context.Context, call activities.Call, in SendInput) (SendOutput, error) {
	if strings.TrimSpace(in.Title) == "" {
		return SendOutput{}, activities.Invalid(errors.New("the message has no title"), "give the step's `with.title`")
	}
	var chosen []int
	for i, one := range t.List {
		if one.takes(in.To) {
			chosen = append(chosen, i)
		}
	}
	switch {
	case len(t.List) == 0:
		t.log(call, in)
		return skipped("no notification target configured"), nil
	case len(chosen) == 0:
		t.log(call, in)
		return skipped("no notification target takes messages for " + in.To.words()), nil
	case call.DryRun:
		return SendOutput{Result: activities.Result{Status: activities.Done, Summary: fmt.Sprintf("would tell %d targets: %s", len(chosen), in.Title)}}, nil
	}
	return t.sendAll(ctx, call, in, chosen)
}

// sendAll asks each target once. What has got through survives a later attempt by its cursor.
func (t Targets) sendAll(ctx context.Context, call activities.Call, in SendInput, chosen []int) (SendOutput, error) {
	through := delivered(ctx)
	var waiting []error
	var refused []string
	for _, i := range chosen {
		if slices.Contains(through, i) {
			continue
		}
		err := t.send(ctx, call, in, i)
		_, final := activities.KindOf(err)
		switch {
		case err == nil:
			through = append(through, i)
			report(ctx, through, len(chosen))
		case final:
			refused = append(refused, fmt.Sprintf("notify[%d]: %v", i, err))
		default:
			waiting = append(waiting, fmt.Errorf("notify[%d]: %w", i, err))
		}
	}
	out := SendOutput{Sent: len(chosen) - len(waiting) - len(refused), Failed: len(refused)}
	switch {
	case len(waiting) > 0:
		return out, errors.Join(waiting...)
	case out.Sent == 0:
		return out, activities.Permanent(activities.Unsupported, errors.New(strings.Join(refused, "; ")), "check `notify` in the worker's firebreak.yaml")
	}
	out.Result = activities.Result{Status: activities.Done, Summary: fmt.Sprintf("told %d of %d targets: %s", out.Sent, len(chosen), in.Title)}
	if len(refused) > 0 {
		out.Summary += "; " + strings.Join(refused, "; ")
	}
	return out, nil
}

func skipped(why string) SendOutput {
	return SendOutput{Result: activities.Result{Status: activities.Skipped, Summary: why}}
}

// delivered are the targets that an earlier attempt has told.
func delivered(ctx context.Context) []int {
	var through []int
	if p, ok := activities.Resume(ctx); ok && json.Unmarshal(p.Cursor, &through) != nil {
		return nil
	}
	return through
}

func report(ctx context.Context, through []int, total int) {
	cursor, err := json.Marshal(through)
	if err != nil {
		return
	}
	activities.Report(ctx, activities.Progress{Done: int64(len(through)), Total: int64(total), Unit: "targets", Cursor: cursor})
}

func (a Audience) words() string {
	all := slices.Concat(a.Circles, a.Groups, a.Subjects)
	if len(all) == 0 {
		return "everybody"
	}
	return strings.Join(all, ", ")
}
