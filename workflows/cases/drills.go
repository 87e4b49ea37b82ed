package cases

import (
	"context"
	"fmt"
	"slices"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

// Drill is one drill with its score. One that runs, or was terminated, has none.
type Drill struct {
	Case

	workflows.Score
}

// DrillFilter chooses drills; empty fields choose all.
type DrillFilter struct {
	Playbook string
	Cluster  string
	Limit    int // the newest ones
}

// Drills gives drills, the newest first.
func (c *Cases) Drills(ctx context.Context, f DrillFilter) ([]Drill, error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND %s AND %s = true", workflows.CaseWorkflow, lastRuns, workflows.DrillAttribute)
	for _, part := range []struct{ name, value string }{{workflows.PlaybookAttribute, f.Playbook}, {workflows.ClusterAttribute, f.Cluster}} {
		if part.value == "" {
			continue
		}
		if !plainWord(part.value) {
			return nil, fmt.Errorf("list drills: %w: %q", ErrNoName, part.value)
		}
		query += fmt.Sprintf(" AND %s = '%s'", part.name, part.value)
	}
	var drills []Drill
	err := c.visit(ctx, query, f.Limit, func(info *workflowpb.WorkflowExecutionInfo) {
		d := Drill{Case: c.listed(info)}
		if payload := info.GetMemo().GetFields()[workflows.ScoreMemo]; payload != nil {
			_ = c.decoder().FromPayload(payload, &d.Score) // one that cannot be read is shown without its score
		}
		drills = append(drills, d)
	})
	return drills, err
}

func (c *Cases) decoder() converter.DataConverter {
	if c.converter != nil {
		return c.converter
	}
	return converter.GetDefaultDataConverter()
}

// Decoding sets the converter of the client, where it is not the standard one, and gives the connection back.
func (c *Cases) Decoding(d converter.DataConverter) *Cases {
	c.converter = d
	return c
}

// Trend is how a phase did over the drills of one playbook on one cluster.
type Trend struct {
	Playbook string    `json:"playbook"`
	Cluster  string    `json:"cluster"`
	Phase    string    `json:"phase"`
	Within   float64   `json:"within"` // seconds, as the newest drill has it
	Took     []float64 `json:"took"`   // seconds, the oldest first, of the drills in which the phase was through
	Met      int       `json:"met"`
	Missed   int       `json:"missed"`
}

// Trends sums up drills that are given the newest first. Drills in which a phase had nothing to do do not count for it.
func Trends(drills []Drill) []Trend {
	var trends []Trend
	for _, d := range drills {
		for _, o := range d.Objectives {
			i := slices.IndexFunc(trends, func(t Trend) bool {
				return t.Playbook == d.Playbook && t.Cluster == d.Cluster && t.Phase == o.Phase
			})
			if i < 0 {
				i = len(trends)
				trends = append(trends, Trend{Playbook: d.Playbook, Cluster: d.Cluster, Phase: o.Phase, Within: o.Within, Took: []float64{}})
			}
			trends[i].add(o)
		}
	}
	for i := range trends {
		slices.Reverse(trends[i].Took)
	}
	return trends
}

func (t *Trend) add(o activities.Objective) {
	switch {
	case o.Status == activities.ObjectiveVoid:
		return
	case o.Met:
		t.Met++
	default:
		t.Missed++
	}
	if o.Took > 0 {
		t.Took = append(t.Took, o.Took)
	}
}
