package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/internal/stage"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestWorkerKilledAtEveryStep kills the worker each time that the run has scheduled another step, and the receiver right
// after its 202. The case must end, and nothing may have been done twice. The worker is let go for some milliseconds at
// a time and stands still while the test looks at the history: no boundary goes by unseen, however short the step.
func TestWorkerKilledAtEveryStep(t *testing.T) {
	const slice = 4 * time.Millisecond
	w := newWorld(t, nil)
	pod := w.victim()
	receiver := w.receiver()
	answer := w.accepted(w.alert(pod.Name))
	kubetest.Must(t, receiver.Kill())

	engine := temporal(t, w.lab, w.Namespace)
	worker, kills, killedAt := w.worker(), 0, int64(0)
	for deadline := time.Now().Add(2 * patience); ; {
		b := boundaryOf(t, engine, answer)
		if b.closed {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not at its end after %d kills", kills)
		}
		if b.last > killedAt {
			kubetest.Must(t, worker.Kill())
			worker, killedAt = w.worker(), b.last
			kills++
			continue
		}
		kubetest.Must(t, worker.Resume())
		time.Sleep(slice)
		kubetest.Must(t, worker.Pause())
	}
	kubetest.Must(t, worker.Resume())
	b := boundaryOf(t, engine, answer)
	t.Logf("%d kills at %d boundaries", kills, b.count)
	if kills < b.count-1 { // the last one may be the end itself
		t.Errorf("%d kills at %d boundaries: the run was not disturbed at each", kills, b.count)
	}
	w.doneOnce(answer.Case, w.finished(answer.Case))
	if n := w.cloud.calls("ec2:CreateSnapshots"); n != 1 {
		t.Errorf("CreateSnapshots was called %d times", n)
	}
}

// boundary is how far a history is: a boundary between steps is a workflow task that scheduled activities.
type boundary struct {
	last   int64 // event id of the newest one
	count  int
	closed bool
}

func boundaryOf(t *testing.T, engine client.Client, of stage.Answer) boundary {
	t.Helper()
	var b boundary
	events := engine.GetWorkflowHistory(t.Context(), of.Workflow, of.Run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		kubetest.Must(t, err)
		if a := event.GetActivityTaskScheduledEventAttributes(); a != nil && a.WorkflowTaskCompletedEventId > b.last {
			b.last, b.count = a.WorkflowTaskCompletedEventId, b.count+1
		}
		b.closed = event.EventType == enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
	}
	return b
}

// TestWorkerKilledInTheSnapshotWait kills the worker twice while the snapshot is pending and an attempt of its own waits
// for it: the second time it is the attempt that took over.
func TestWorkerKilledInTheSnapshotWait(t *testing.T) {
	w := newWorld(t, nil)
	w.cloud.fault(fault{Action: "CreateSnapshots", Kind: "duration", Millis: 75_000})
	pod := w.victim()
	w.receiver()
	worker := w.worker()
	answer := w.accepted(w.alert(pod.Name))
	engine := temporal(t, w.lab, w.Namespace)
	for kill := range int32(2) {
		eventually(t, "an attempt that waits for a pending snapshot", func() bool {
			return attemptOf(t, engine, answer, "evidence/disks") > kill && w.cloud.pending()
		})
		kubetest.Must(t, worker.Kill())
		if !w.cloud.pending() {
			t.Fatalf("kill %d came when the snapshot was complete", kill+1)
		}
		worker = w.worker()
	}
	w.doneOnce(answer.Case, w.finished(answer.Case))
	if n := w.cloud.calls("ec2:CreateSnapshots"); n != 1 {
		t.Errorf("CreateSnapshots was called %d times", n)
	}
}

// attemptOf is the number of the attempt that a worker has taken of a step, 0 when none has.
func attemptOf(t *testing.T, engine client.Client, of stage.Answer, step string) int32 {
	t.Helper()
	run, err := engine.DescribeWorkflowExecution(t.Context(), of.Workflow, of.Run)
	kubetest.Must(t, err)
	for _, a := range run.PendingActivities {
		if a.ActivityId == step && a.State == enums.PENDING_ACTIVITY_STATE_STARTED {
			return a.Attempt
		}
	}
	return 0
}

// doneOnce checks that the world holds one of everything that the case makes.
func (w *world) doneOnce(id string, s workflows.State) {
	w.t.Helper()
	if got := len(w.cloud.snapshots()); got != len(w.cloud.volumes) {
		w.t.Errorf("%d snapshots of %d volumes", got, len(w.cloud.volumes))
	}
	tickets, err := matches(w.Tracker, "*")
	kubetest.Must(w.t, err)
	if len(tickets) != 1 {
		w.t.Errorf("tickets %v, want one", tickets)
	}
	if got := len(w.policies()); got != 1 {
		w.t.Errorf("%d policies, want one", got)
	}
	for _, step := range s.Steps {
		if step.Status == activities.StepFailed {
			w.t.Errorf("step %s failed: %s", step.Path, step.Error)
		}
	}
	w.verified(id)
}

func (w *world) policies() []networkingv1.NetworkPolicy {
	w.t.Helper()
	list, err := w.Admin.NetworkingV1().NetworkPolicies(w.Namespace).List(w.t.Context(), metav1.ListOptions{})
	kubetest.Must(w.t, err)
	return list.Items
}

// verified checks the evidence with `firebreak verify`.
func (w *world) verified(id string) {
	w.t.Helper()
	dir := w.evidenceOf(id)
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if out, err := w.Command(ctx, "verify", dir).CombinedOutput(); err != nil {
		w.t.Errorf("firebreak verify: %v\n%s", err, out)
	}
	for _, want := range []string{"data/report.html", "data/history.json", "data/case.jsonld", "manifest-sha256.txt", "evidence.intoto.jsonl", "custody.jsonl"} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(want))); err != nil {
			w.t.Errorf("not among the evidence: %v", err)
		}
	}
}

func (w *world) evidenceOf(id string) string { return w.Evidence + "/" + id }

// TestReceiverKilledAfterItsAnswer starts no worker until the receiver is gone: what was accepted must be in the
// engine's store and nowhere else.
func TestReceiverKilledAfterItsAnswer(t *testing.T) {
	w := newWorld(t, nil)
	pod := w.victim()
	receiver := w.receiver()
	var answers []stage.Answer
	for _, p := range []string{pod.Name, "not-there-1", "not-there-2"} {
		answers = append(answers, w.accepted(w.alert(p)))
	}
	kubetest.Must(t, receiver.Kill())
	w.worker()
	w.finished(answers[0].Case)
	for _, a := range answers[1:] {
		w.until(a.Case, "a state", func(s workflows.State) bool { return s.Case == a.Case && s.Alerts == 1 })
	}
}
