package workflows

import (
	"regexp"
	"time"

	"go.temporal.io/sdk/workflow"
)

// withoutTime takes off a workflow id what Temporal appends to the id of a schedule's run: a dash and the time that the run
// was due, such as -2026-07-01T10:00:00Z. A case id is a Kubernetes label value, which has no colon and no room for it; that
// the digits of the run's own id follow tells the runs of one schedule apart.
func withoutTime(workflowID string) string {
	return regexp.MustCompile(`-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`).ReplaceAllString(workflowID, "")
}

// dated gives the alert of a run that a schedule started the time of that start: the one in the playbook's file is of the
// day it was written.
func dated(ctx workflow.Context, in Input) Input {
	if byClock(in) {
		in.Alert.Time = workflow.Now(ctx).UTC().Truncate(time.Millisecond)
	}
	return in
}

// alertsOf counts the alert of a run that a schedule started, which nobody signals.
func alertsOf(in Input) int {
	if byClock(in) {
		return 1
	}
	return 0
}
