package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// guard is asked before every change. Nothing stands in its way where the plan has no guards.
func (c *incident) guard(_ workflow.Context, _ plan.Step, _ string, _ any) error { return nil }
