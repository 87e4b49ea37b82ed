package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/internal/stage"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestAStormOfOneAlertIsOneCase sends one alert 200 times at once, each delivery with an id of its own as
// falcosidekick mints it.
func TestAStormOfOneAlertIsOneCase(t *testing.T) {
	const storm = 200
	w := newWorld(t, nil)
	w.cloud.attach(w.cloud.image()) // so the one set is of two volumes
	pod := w.victim()
	w.receiver()
	answers := make([]stage.Answer, storm)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			var err error
			if answers[i], err = w.Send(t.Context(), w.alert(pod.Name)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for i, a := range answers {
		if a.Status != http.StatusAccepted || a.Case != answers[0].Case {
			t.Fatalf("delivery %d: %d %s, case %q; the first one's case is %q", i, a.Status, a.Body, a.Case, answers[0].Case)
		}
	}
	w.worker()
	s := w.finished(answers[0].Case)
	if s.Alerts != storm {
		t.Errorf("the case counts %d alerts, want %d", s.Alerts, storm)
	}
	w.doneOnce(answers[0].Case, s)
	if n := w.cloud.calls("ec2:CreateSnapshots"); n != 1 || len(w.cloud.snapshots()) != 2 {
		t.Errorf("%d calls of CreateSnapshots made %d snapshots, want one set of two", n, len(w.cloud.snapshots()))
	}
}

// TestAlertsOfACaseThatRuns sends alerts all the time from the start of a case to its end: each of them is counted by a
// case, the last ones by another that opens after it.
func TestAlertsOfACaseThatRuns(t *testing.T) {
	w := newWorld(t, nil)
	pod := w.victim()
	w.receiver()
	w.worker()
	sent := map[string]int{}
	first := w.accepted(w.alert(pod.Name)).Case
	sent[first]++
	for deadline := time.Now().Add(patience); len(sent) < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("case %s did not end", first)
		}
		sent[w.accepted(w.alert(pod.Name)).Case]++
		time.Sleep(20 * time.Millisecond) // some hundred alerts in all: a run takes 10,000
	}
	for id, n := range sent {
		if s := w.until(id, "its alerts", func(s workflows.State) bool { return s.Alerts == n }); s.Case != id {
			t.Errorf("case %s answers as %s", id, s.Case)
		}
	}
	t.Logf("alerts by case: %v", sent)
}

// TestAnAlertWithoutAPodIsFoundByItsContainer has null where the pod stands, as Falco sends it when it knows no
// metadata yet.
func TestAnAlertWithoutAPodIsFoundByItsContainer(t *testing.T) {
	w := newWorld(t, nil)
	pod := w.victim()
	const id = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	eventually(t, "the container's id in the pod's status", func() bool {
		now, err := w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		kubetest.Must(t, err)
		now.Status.ContainerStatuses[0].ContainerID = "containerd://" + id
		_, err = w.Admin.CoreV1().Pods(w.Namespace).UpdateStatus(t.Context(), now, metav1.UpdateOptions{})
		return err == nil
	})
	w.receiver()
	w.worker()
	answer := w.accepted(w.alertOf(map[string]any{"container.id": id[:12], "k8s.ns.name": nil, "k8s.pod.name": nil}))
	other := w.accepted(w.alertOf(map[string]any{"container.id": "000000000000", "k8s.ns.name": nil, "k8s.pod.name": nil}))
	if answer.Case == other.Case {
		t.Errorf("two containers of one node are one case, %s", answer.Case)
	}
	if s := w.finished(answer.Case); s.Outcome != "contained" || s.Outputs["pod"] != pod.Name {
		t.Errorf("outcome %q, pod %v; want %s contained", s.Outcome, s.Outputs["pod"], pod.Name)
	}
}

// TestTwoPodsWithOneTextAreTwoCases sends two alerts that differ in the pod alone.
func TestTwoPodsWithOneTextAreTwoCases(t *testing.T) {
	w := newWorld(t, nil)
	w.receiver()
	first, second := w.accepted(w.alert("web-1")), w.accepted(w.alert("web-2"))
	if first.Case == second.Case {
		t.Fatalf("both alerts are case %s", first.Case)
	}
}

// TestBadAlertsAreAnswered sends what is no alert, and expects the reason, and a receiver that goes on.
func TestBadAlertsAreAnswered(t *testing.T) {
	w := newWorld(t, nil)
	w.receiver()
	unmatched := bytes.Replace(w.alert("web-1"), []byte("Terminal shell in container"), []byte("Read sensitive file"), 1)
	huge, err := json.Marshal(map[string]string{"output": string(bytes.Repeat([]byte("x"), 4<<20))})
	kubetest.Must(t, err)
	tests := []struct {
		name   string
		body   []byte
		status int
	}{
		{"malformed", []byte(`{"rule": `), http.StatusBadRequest},
		{"not an object", []byte(`[]`), http.StatusBadRequest},
		{"too large", huge, http.StatusRequestEntityTooLarge},
		{"unmatched", unmatched, http.StatusOK},
	}
	for _, test := range tests {
		answer, err := w.Send(t.Context(), test.body)
		if err != nil || answer.Status != test.status || answer.Case != "" {
			t.Errorf("%s: %d %s, %v; want %d", test.name, answer.Status, answer.Body, err, test.status)
		}
	}
	token := w.Token
	w.Token = "wrong"
	if answer, err := w.Send(t.Context(), w.alert("web-1")); err != nil || answer.Status != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d %s, %v", answer.Status, answer.Body, err)
	}
	w.Token = token
	w.accepted(w.alert("web-1"))
}

// TestTemporalDownIsSaid has a receiver whose Temporal is not there: the alert is refused with 503, so that its sender
// knows that nobody has it.
func TestTemporalDownIsSaid(t *testing.T) {
	w := newWorld(t, func(o *stage.Options) {
		o.Lab.Temporal = labenv.Temporal{Address: "127.0.0.1:9", UI: o.Lab.Temporal.UI}
	})
	p, err := w.Process("receiver", "serve")
	kubetest.Must(t, err)
	t.Cleanup(func() { kubetest.Must(t, p.Kill()) })
	var answer stage.Answer
	eventually(t, "an answer of the receiver", func() bool {
		answer, err = w.Send(t.Context(), w.alert("web-1"))
		return err == nil
	})
	if answer.Status != http.StatusServiceUnavailable {
		t.Fatal(fmt.Sprint(answer.Status, " ", answer.Body))
	}
}
