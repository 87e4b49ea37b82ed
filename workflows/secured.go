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

// CheckEvidence is the activity that looks whether evidence exists and is what it was when it was taken.
const CheckEvidence = "evidence.check"

// secured sees to it that the evidence which a destroying step requires exists and is unchanged. A dry run destroys
// nothing and takes none.
func (c *incident) secured(ctx workflow.Context, s plan.Step, path string) error {
	if c.in.DryRun || len(s.Requires.Evidence) == 0 {
		return nil
	}
	var steps []string
	for _, wanted := range s.Requires.Evidence {
		taken, err := c.taken(s.Requires, wanted, path)
		if err != nil {
			return err
		}
		steps = append(steps, taken...)
	}
	if len(steps) == 0 {
		return nil
	}
	u := &plan.Uses{Activity: CheckEvidence, Place: activities.OnAnalysis, Timeout: 10 * time.Minute, Retry: plan.Retry{Attempts: 5}}
	id := path + "/evidence"
	options := activityOptions(c.in.Cluster, u, c.activityID(id), summaryOf(s.Phase, id, "checks the evidence before "+path))
	_, err := c.execute(ctx, options, CheckEvidence, ActivityInput{
		Call: c.callOf(id, id), Input: encode(map[string]any{"steps": steps, "elsewhere": c.elsewhere(steps)}),
	})
	if err != nil {
		return failureOf(path, err)
	}
	return nil
}

// elsewhere names the evidence that is no file of the case: the snapshots that a step has made.
func (c *incident) elsewhere(steps []string) []any {
	list := []any{}
	for _, path := range steps {
		output, _ := c.at(path).Output.(map[string]any)
		made, _ := output["snapshots"].([]any)
		var ids []string
		for _, one := range made {
			fields, _ := one.(map[string]any)
			if id, _ := fields["id"].(string); id != "" {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		one := map[string]any{"step": path, "what": "snapshots " + strings.Join(ids, ", "), "snapshots": ids}
		if region, _ := output["region"].(string); region != "" {
			one["region"] = region
		}
		list = append(list, one)
	}
	return list
}

// taken gives the paths, with iterations, of the captures that stand at one place of the playbook: in a foreach, those of
// the requiring step's own item. Every one must be done, or waived.
func (c *incident) taken(r *plan.Requires, wanted, path string) ([]string, error) {
	wanted = c.placed(wanted, path)
	var steps []string
	for _, s := range c.State.Steps {
		switch {
		case !below(bare(s.Path), wanted), c.effects[bare(s.Path)] != activities.Capture, !sameItem(s.Path, path):
		case s.Status == activities.StepDone:
			steps = append(steps, s.Path)
		case !c.waived(r, bare(s.Path), path):
			return nil, c.unsecured(path, fmt.Sprintf("the evidence of step %q is missing: the step is %s", s.Path, s.Status))
		}
	}
	if len(steps) == 0 && !c.allWaived(r, wanted, path) {
		return nil, c.unsecured(path, fmt.Sprintf("the evidence of step %q is missing: it was not taken", wanted))
	}
	return steps, nil
}

// waived tells whether the playbook says why the evidence of that place may be missing.
func (c *incident) waived(r *plan.Requires, place, path string) bool {
	return slices.ContainsFunc(r.Waive, func(w plan.Waiver) bool { return below(place, c.placed(w.Step, path)) })
}

// allWaived tells whether every capture of a place is waived.
func (c *incident) allWaived(r *plan.Requires, wanted, path string) bool {
	captures := 0
	for _, place := range c.places {
		if c.effects[place] != activities.Capture || !below(place, wanted) {
			continue
		}
		captures++
		if !c.waived(r, place, path) {
			return false
		}
	}
	return captures > 0
}

// placed is a step's place in the whole run: in a called playbook, below the step that calls it.
func (c *incident) placed(wanted, path string) string {
	for _, outer := range around(bare(path)) {
		if slices.ContainsFunc(c.places, func(place string) bool { return below(place, outer+"/"+wanted) }) {
			return outer + "/" + wanted
		}
	}
	return wanted
}

func (c *incident) unsecured(path, cause string) error {
	return &failure{path, string(activities.GuardTripped), cause,
		"take the evidence and retry, or skip the step with a reason; nothing was destroyed"}
}
