package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// ScoreMemo is the memo field of a case that ended: a Score. Lists of cases carry it, also of those that failed.
const ScoreMemo = "score"

// Score is how a case did against its playbook's times.
type Score struct {
	Objectives []activities.Objective `json:"objectives,omitempty"`
	Held       float64                `json:"held,omitempty"` // seconds that the case waited for people on held steps
}

// Scoring is what the score needs to know of the runs before this one.
type Scoring struct {
	HeldSince time.Time `json:"heldSince,omitzero"` // zero: not held
}

// oldestAlert is how old the opening alert may be for its time to count: a clock that is wrong, or an alert from a file,
// would make every phase late.
const oldestAlert = 24 * time.Hour

// zero is the moment that the objectives count from: when the alert was seen, or the start of the run where that is not to
// be believed or the run is a drill or was started by the clock.
func (c *incident) zero() time.Time {
	seen, start := c.in.Alert.Time, c.State.Started
	if c.in.Mode == plan.Drill || byClock(c.in) || seen.IsZero() || seen.After(start) || start.Sub(seen) > oldestAlert {
		return start
	}
	return seen
}

// byClock tells whether a schedule started the run.
func byClock(in Input) bool {
	return slices.ContainsFunc(in.Plan.Triggers, func(t plan.Trigger) bool { return t.ID == in.Trigger && t.Schedule != nil })
}

// score measures the case against its playbook's times. A dry run is not measured.
func (c *incident) score(ctx workflow.Context) {
	if len(c.in.Plan.SLO) == 0 || c.in.DryRun {
		return
	}
	list := make([]activities.Objective, 0, len(c.in.Plan.SLO))
	for _, o := range c.in.Plan.SLO {
		list = append(list, c.objective(ctx, o))
	}
	c.State.Objectives = list
}

func (c *incident) objective(ctx workflow.Context, o plan.Objective) activities.Objective {
	out := activities.Objective{Phase: o.Phase, Within: o.Within.Seconds(), Status: activities.ObjectiveOpen}
	p := c.progressOf(o.Phase)
	took := p.ended.Sub(c.zero())
	switch {
	case p.through && p.failed != "" && o.Phase == "contain":
		out.Status, out.Why = activities.ObjectiveMissed, "step "+p.failed+" failed or was passed over"
	case p.through && !p.ran:
		out.Status, out.Why = activities.ObjectiveVoid, "there was nothing to do in the phase"
	case p.through && took <= o.Within:
		out.Status, out.Met = activities.ObjectiveMet, true
	case p.through:
		out.Status = activities.ObjectiveMissed
	case c.End != nil && c.End.Stopped != nil && !p.ran:
		out.Status, out.Why = activities.ObjectiveVoid, "the playbook ended before it: "+c.End.Stopped.Outcome
	case c.End != nil:
		out.Status, out.Why = activities.ObjectiveMissed, "the run ended before the phase was through"
	case workflow.Now(ctx).Sub(c.zero()) > o.Within:
		out.Status, out.Why = activities.ObjectiveMissed, "the phase is not through yet"
	}
	if p.through && p.ran {
		out.Took = took.Round(time.Millisecond).Seconds()
	}
	return out
}

// phaseProgress is how far a phase is.
type phaseProgress struct {
	through bool      // every step of the playbook that belongs to it, or holds one that does, is over
	ran     bool      // at least one of its activities ran
	failed  string    // path of a step that failed or that a person skipped
	ended   time.Time // of the last step
}

func (c *incident) progressOf(phase string) phaseProgress {
	p := phaseProgress{through: true}
	for _, s := range c.in.Plan.Steps {
		if !holdsPhase(s, phase) {
			continue
		}
		i, begun := c.recorded[s.ID]
		if !begun || c.State.Steps[i].Ended.IsZero() || c.State.Steps[i].Status == activities.StepHeld {
			p.through = false
		}
	}
	for i := range c.State.Steps {
		if s := &c.State.Steps[i]; s.Phase == phase && !c.closingStep(s.Path) {
			p.take(s)
		}
	}
	return p
}

func (p *phaseProgress) take(s *activities.StepRecord) {
	p.ran = p.ran || s.Activity != "" && s.Status != activities.StepSkipped
	if p.failed == "" && (s.Status == activities.StepFailed || s.Error != "") {
		p.failed = s.Path
	}
	if s.Ended.After(p.ended) {
		p.ended = s.Ended
	}
}

// closingStep tells whether a step is one of `finally`, which no objective waits for.
func (c *incident) closingStep(path string) bool {
	return slices.ContainsFunc(c.in.Plan.Finally, func(s plan.Step) bool { return below(path, s.ID) })
}

func holdsPhase(s plan.Step, phase string) bool {
	found := false
	plan.Walk(func(s plan.Step) { found = found || s.Phase == phase }, []plan.Step{s})
	return found
}

// countHeld counts the time that the case waits on held steps; held says whether it does from now on.
func (c *incident) countHeld(ctx workflow.Context, held bool) {
	since := c.Scoring.HeldSince
	switch {
	case held && since.IsZero():
		c.Scoring.HeldSince = workflow.Now(ctx)
	case !held && !since.IsZero():
		c.State.Held += workflow.Now(ctx).Sub(since).Round(time.Millisecond).Seconds()
		c.Scoring.HeldSince = time.Time{}
	}
}

// publish writes the score where lists of cases have it.
func (c *incident) publish(ctx workflow.Context) {
	c.countHeld(ctx, false)
	c.score(ctx)
	if len(c.State.Objectives) == 0 && c.in.Mode != plan.Drill {
		return
	}
	score := Score{Objectives: c.State.Objectives, Held: c.State.Held}
	if err := workflow.UpsertMemo(ctx, map[string]any{ScoreMemo: score}); err != nil {
		workflow.GetLogger(ctx).Error("note the score", "error", err)
	}
}

// writeScore shows what the guards stopped and how the phases did.
func (c *incident) writeScore(w *strings.Builder) {
	for _, g := range c.State.Guards {
		if len(g.Tripped) > 0 {
			fmt.Fprintf(w, "**Guard %s** at %s: %s%s\n\n", strings.Join(g.Tripped, ", "), Markdown(g.Step), Markdown(g.Why), approvedBy(g))
		}
	}
	if len(c.State.Objectives) == 0 {
		return
	}
	w.WriteString("| Objective | Within | Took | |\n|---|---|---|---|\n")
	for _, o := range c.State.Objectives {
		took := "–"
		if o.Took > 0 {
			took = seconds(o.Took).String()
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s %s |\n", o.Phase, seconds(o.Within), took, o.Status, Markdown(o.Why))
	}
	w.WriteString("\n")
}

func approvedBy(g activities.GuardCheck) string {
	if g.ApprovedBy == "" {
		return ""
	}
	return "; approved by " + Markdown(g.ApprovedBy)
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
