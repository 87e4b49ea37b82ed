package workflows

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// The activities of the engine itself. They ask Temporal and run on the interpreter's workers.
const (
	RecentRuns = "guard.recent_runs"
	TakeLock   = "guard.take_lock"
	CaseOpen   = "guard.case_open"
	OpenCases  = "guard.open_cases"
)

// onEngine is the place of the engine's own activities.
const onEngine activities.Place = "engine"

const (
	rateRule     = "rate"
	lockRule     = "lock"
	lockNameRule = "lock.name"
)

// RecentRunsIn asks how many other cases changed something since a moment, and to be let through where there is room.
type RecentRunsIn struct {
	Case     string    `json:"case"` // the one that asks; it is not counted
	Cluster  string    `json:"cluster"`
	Playbook string    `json:"playbook,omitempty"` // whose runs are counted; empty: those of all playbooks
	Drill    bool      `json:"drill,omitempty"`    // drills are counted among themselves
	Since    time.Time `json:"since"`
	Most     int       `json:"most,omitempty"`   // how many may, with this one; zero: it is only told how many there are
	Of       string    `json:"of,omitempty"`     // the playbook whose rate it is
	Listed   []string  `json:"listed,omitempty"` // ids of cases that the lists show
}

// RecentRunsOut is the number of the others.
type RecentRunsOut struct {
	Runs     int  `json:"runs"`
	Admitted bool `json:"admitted,omitempty"` // the case was let through, and counts from now on
}

// open asks what is asked once a case, before its first change: how many other runs there were, and for the lock. Steps
// that come together wait for one another here.
func (in *inspection) open(ctx workflow.Context) error {
	for _, r := range in.rules {
		if r.Rate == nil && r.Lock == nil || in.opened(r) {
			continue
		}
		if err := in.openOne(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// opened tells whether this call of the playbook is through with what is asked once: a lock may be named by its inputs.
func (in *inspection) opened(r ruleset) bool {
	return slices.Contains(in.c.Guarding.Opened, r.unit.key())
}

// rated tells whether any call of the playbook was counted.
func (in *inspection) rated(r ruleset) bool {
	return slices.Contains(in.c.Guarding.Opened, r.unit.plan.Hash)
}

// key tells the calls of one playbook apart. The case's own playbook is its hash.
func (u *unit) key() string {
	if u.place == "" {
		return u.plan.Hash
	}
	return u.plan.Hash + "@" + u.place
}

func (c *incident) opens(r ruleset) {
	for _, key := range []string{r.unit.plan.Hash, r.unit.key()} {
		if !slices.Contains(c.Guarding.Opened, key) {
			c.Guarding.Opened = append(c.Guarding.Opened, key)
		}
	}
}

func (in *inspection) openOne(ctx workflow.Context, r ruleset) error {
	if in.c.guards == nil {
		in.c.guards = workflow.NewMutex(ctx)
	}
	if err := in.c.guards.Lock(ctx); err != nil {
		return in.c.stopping(ctx)
	}
	defer in.c.guards.Unlock()
	if in.opened(r) {
		return nil
	}
	once := *in
	once.targets, once.check = nil, activities.GuardCheck{}
	trips, err := once.rate(ctx, r)
	if err != nil {
		return err
	}
	held, err := once.lock(ctx, r)
	if err != nil {
		return err
	}
	if err := once.settle(ctx, append(trips, held...)); err != nil {
		return err
	}
	in.c.opens(r)
	return in.c.gate(ctx)
}

// engine is how the engine's own activities are run.
func engine() *plan.Uses {
	return &plan.Uses{Place: onEngine, Timeout: time.Minute, Retry: plan.Retry{Attempts: 10}}
}

// rate counts the runs that changed something, and lets this one through where there is room. A dry run is only told.
func (in *inspection) rate(ctx workflow.Context, r ruleset) ([]trip, error) {
	if r.Rate == nil || in.rated(r) {
		return nil, nil
	}
	question := RecentRunsIn{
		Case: in.c.State.Case, Cluster: in.c.in.Cluster, Drill: in.c.in.Mode == plan.Drill, Since: workflow.Now(ctx).Add(-r.Rate.Per),
		Of: r.unit.plan.Name, Most: r.Rate.Runs,
	}
	if in.c.in.DryRun {
		question.Most = 0
	}
	scope := "of all playbooks"
	if r.Rate.Scope == "playbook" {
		question.Playbook, scope = r.unit.plan.Name, "of playbook "+r.unit.plan.Name
	}
	raw, err := in.ask(ctx, RecentRuns, "counts the runs of the last "+r.Rate.Per.String(), engine(), question)
	if err != nil {
		return nil, err
	}
	var answer RecentRunsOut
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, &failure{in.path, KindTemporary, fmt.Sprintf("read the number of runs: %v", err), adviceFor(KindTemporary)}
	}
	in.c.Guarding.Admitted = in.c.Guarding.Admitted || answer.Admitted
	runs := answer.Runs + 1
	in.check.Runs = number(runs, r.Rate.Runs)
	if runs <= r.Rate.Runs {
		return nil, nil
	}
	return []trip{{rateRule, fmt.Sprintf("with this one %d runs %s changed something on cluster %s within %s, and %d may",
		runs, scope, in.c.in.Cluster, r.Rate.Per, r.Rate.Runs), &r}}, nil
}
