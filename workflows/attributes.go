package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// The search attributes of a case: what the lists of cases filter by. They are never encrypted.
const (
	PlaybookAttribute  = "FirebreakPlaybook"
	CaseAttribute      = "FirebreakCase"
	PhaseAttribute     = "FirebreakPhase"
	ClusterAttribute   = "FirebreakCluster"
	OutcomeAttribute   = "FirebreakOutcome"   // running, held, or the outcome once there is one
	AlertTimeAttribute = "FirebreakAlertTime" // when the opening alert was seen on the node
	StartedAttribute   = "FirebreakStarted"   // when the case began, in whatever run of its chain
	ChangedAttribute   = "FirebreakChanged"   // when the case first changed something
	DrillAttribute     = "FirebreakDrill"     // true in a drill; no other case has it
	NodesAttribute     = "FirebreakNodes"     // the nodes of the opening alert and of what the case changed
)

// KeywordAttributes are the search attributes that hold one word.
func KeywordAttributes() []string {
	return []string{PlaybookAttribute, CaseAttribute, PhaseAttribute, ClusterAttribute, OutcomeAttribute}
}

// DatetimeAttributes are the search attributes that hold a time.
func DatetimeAttributes() []string {
	return []string{AlertTimeAttribute, StartedAttribute, ChangedAttribute}
}

// BoolAttributes are the search attributes that are true or false.
func BoolAttributes() []string { return []string{DrillAttribute} }

// KeywordListAttributes are the search attributes that hold several words.
func KeywordListAttributes() []string { return []string{NodesAttribute} }

func keyword(name, value string) temporal.SearchAttributeUpdate {
	return temporal.NewSearchAttributeKeyKeyword(name).ValueSet(value)
}

func datetime(name string, value time.Time) temporal.SearchAttributeUpdate {
	return temporal.NewSearchAttributeKeyTime(name).ValueSet(value)
}

// tag sets the attributes that stand from the start.
func (c *incident) tag(ctx workflow.Context) error {
	set := []temporal.SearchAttributeUpdate{
		keyword(PlaybookAttribute, c.in.Plan.Name),
		keyword(CaseAttribute, c.State.Case),
		keyword(ClusterAttribute, c.in.Cluster),
		keyword(OutcomeAttribute, c.Marked),
		datetime(StartedAttribute, c.State.Started),
	}
	if c.in.Mode == plan.Drill {
		set = append(set, temporal.NewSearchAttributeKeyBool(DrillAttribute).ValueSet(true))
	}
	if steps := c.in.Plan.Steps; c.State.Phase == "" && len(steps) > 0 {
		c.State.Phase = steps[0].Phase
	}
	if c.State.Phase != "" { // an event for itself would be longer than the word
		set = append(set, keyword(PhaseAttribute, c.State.Phase))
	}
	if !c.in.Alert.Time.IsZero() {
		set = append(set, datetime(AlertTimeAttribute, c.in.Alert.Time))
	}
	if len(c.Nodes) > 0 {
		set = append(set, nodes(c.Nodes))
	}
	return workflow.UpsertTypedSearchAttributes(ctx, set...)
}

// enter notes the phase that the run is in. A phase is written when it changes, not at each step.
func (c *incident) enter(ctx workflow.Context, phase string) {
	if phase == "" || phase == c.State.Phase {
		return
	}
	c.State.Phase = phase
	c.upsert(ctx, keyword(PhaseAttribute, phase))
}

// mark notes in the lists that the case is held, goes on or has ended.
func (c *incident) mark(ctx workflow.Context, outcome string) {
	if outcome == c.Marked {
		return
	}
	c.Marked = outcome
	c.upsert(ctx, keyword(OutcomeAttribute, outcome))
}

// upsert fails only for an empty list or a misspelt key, which are mistakes of this package: the case goes on.
func (c *incident) upsert(ctx workflow.Context, set ...temporal.SearchAttributeUpdate) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, set...); err != nil {
		workflow.GetLogger(ctx).Error("set search attributes", "error", err)
	}
}
