package evidence

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/custody/caseuco"
)

// historyKind is what the custody log calls an exported history.
const historyKind = "history"

// event is what is read of an event in an exported history.
type event struct {
	ID       string    `json:"eventId"`
	Time     time.Time `json:"eventTime"`
	Metadata struct {
		Summary payload `json:"summary"`
	} `json:"userMetadata"`
	Scheduled struct {
		Type struct {
			Name string `json:"name"`
		} `json:"activityType"`
		Input struct {
			Payloads []payload `json:"payloads"`
		} `json:"input"`
	} `json:"activityTaskScheduledEventAttributes"`
	Started   outcome `json:"activityTaskStartedEventAttributes"`
	Completed outcome `json:"activityTaskCompletedEventAttributes"`
	Failed    outcome `json:"activityTaskFailedEventAttributes"`
	TimedOut  outcome `json:"activityTaskTimedOutEventAttributes"`
	Canceled  outcome `json:"activityTaskCanceledEventAttributes"`
}

type payload struct {
	Data []byte `json:"data"`
}

// outcome names the event of an activity that another one is about.
type outcome struct {
	Of string `json:"scheduledEventId"`
}

// actionsOf reads the case's steps from the histories among its evidence: each activity with its times, as Temporal has them.
// What does not read is told, and the others are read.
func actionsOf(ctx context.Context, c *custody.Case) (actions []caseuco.Action, warnings []string, err error) {
	entries, err := c.Log()
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if e.Action != custody.Added || e.Item.Kind != historyKind {
			continue
		}
		h := history{running: map[string]int{}}
		if err := h.read(ctx, c, e.Item.Path); err != nil {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			warnings = append(warnings, fmt.Sprintf("the steps in %q are not in %s: %s", e.Item.Path, custody.CaseName, err))
		}
		actions = append(actions, h.actions...)
	}
	return merged(actions), warnings, nil
}

// history collects the activities of one run.
type history struct {
	actions []caseuco.Action
	running map[string]int // by the id of the event that scheduled it
}

func (h *history) read(ctx context.Context, c *custody.Case, item string) error {
	name, err := c.Path(item)
	if err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(f))
	if err := seekEvents(d); err != nil {
		return err
	}
	for d.More() {
		var e event
		if err := errors.Join(ctx.Err(), d.Decode(&e)); err != nil {
			return err
		}
		h.take(e)
	}
	return nil
}

func (h *history) take(e event) {
	if e.Scheduled.Type.Name != "" {
		h.running[e.ID] = len(h.actions)
		h.actions = append(h.actions, scheduled(e))
		return
	}
	for _, o := range []struct {
		of     string
		status string
	}{
		{e.Started.Of, caseuco.Ongoing}, {e.Completed.Of, caseuco.Success}, {e.Failed.Of, caseuco.Fail}, {e.TimedOut.Of, caseuco.Fail},
		{e.Canceled.Of, caseuco.Fail},
	} {
		i, known := h.running[o.of]
		if !known {
			continue
		}
		a := &h.actions[i]
		if a.Status = o.status; o.status == caseuco.Ongoing {
			a.Started = e.Time
		} else {
			a.Ended = e.Time
		}
	}
}

// scheduled makes an action of an activity that was asked for.
func scheduled(e event) caseuco.Action {
	a := caseuco.Action{Activity: e.Scheduled.Type.Name, Status: caseuco.Unknown, Started: e.Time}
	_ = json.Unmarshal(e.Metadata.Summary.Data, &a.Summary) // a text for people, which may be missing
	a.Phase, _, _ = strings.Cut(a.Summary, " / ")
	var in struct {
		Call struct {
			Step string `json:"step"`
		} `json:"call"`
	}
	if len(e.Scheduled.Input.Payloads) > 0 {
		_ = json.Unmarshal(e.Scheduled.Input.Payloads[0].Data, &in) // the interpreter's own questions have no step
	}
	if a.Step = in.Call.Step; a.Step == "" {
		a.Step = a.Activity + " " + e.ID
	}
	return a
}

// merged makes one action of a step that was tried again, from its first start to its last end. Another activity of the
// step, such as its undo, is an action of its own.
func merged(actions []caseuco.Action) []caseuco.Action {
	var out []caseuco.Action
	at := map[string]int{}
	for _, a := range actions {
		if i, known := at[a.Step]; known && out[i].Activity != a.Activity {
			a.Step += ": " + a.Activity
		}
		if i, again := at[a.Step]; again {
			out[i].Status, out[i].Ended = a.Status, a.Ended
			continue
		}
		at[a.Step] = len(out)
		out = append(out, a)
	}
	return out
}
