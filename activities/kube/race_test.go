package kube_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

// Cases that work on one pod and one node at the same time disturb each other's locks, never each other's past.
func TestManyCasesAtOnce(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	w.Service(t, "web", map[string]string{"app": "web"})
	pod := w.Pod(t, "web", web(), nil)
	pods, nodes := podsState(w)(t), nodeState(w)(t)
	atOnce(4, func(caseID string) {
		again(t, func() error {
			_, err := tryRun[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseID), kube.IsolatePodIn{Pod: ref(pod)})
			return err
		})
		again(t, func() error {
			_, err := tryRun[kube.CordonNodeOut](t, kube.CordonNode(w), call(caseID), kube.CordonNodeIn{Node: w.Node})
			return err
		})
	})
	if state := podsState(w)(t); strings.Contains(state, "label app=") || strings.Count(state, "policy/") != 4 {
		t.Errorf("with four cases isolating it the pod is\n%s", state)
	}
	atOnce(4, func(caseID string) {
		again(t, func() error { return tryUndo(t, kube.CordonNode(w), call(caseID), kube.CordonNodeIn{Node: w.Node}) })
		again(t, func() error { return tryUndo(t, kube.IsolatePod(w), call(caseID), kube.IsolatePodIn{Pod: ref(pod)}) })
	})
	if after := podsState(w)(t); after != pods {
		t.Errorf("the namespace is\n%s\nwant\n%s", after, pods)
	}
	if after := nodeState(w)(t); after != nodes {
		t.Errorf("the node is\n%s\nwant\n%s", after, nodes)
	}
}

func atOnce(n int, do func(caseID string)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(fmt.Sprintf("pod-compromise-%08d.00000000", i)) })
	}
	all.Wait()
}

// again retries as the engine does: every error but a permanent one.
func again(t *testing.T, do func() error) {
	for range 20 {
		err := do()
		if err == nil {
			return
		}
		if _, permanent := activities.KindOf(err); permanent {
			t.Errorf("permanent: %v", err)
			return
		}
	}
	t.Error("twenty attempts were not enough")
}
