package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/internal/stage"
)

// TestAStormOfOneAlertIsOneCase sends one alert 200 times at once, each delivery with an id of its own as
// falcosidekick mints it.
func TestAStormOfOneAlertIsOneCase(t *testing.T) {
	const storm = 200
	w := newWorld(t, nil)
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
	if s := w.finished(answers[0].Case); s.Alerts != storm {
		t.Errorf("the case counts %d alerts, want %d", s.Alerts, storm)
	}
	if n := len(w.policies()); n != 1 {
		t.Errorf("%d policies, want one", n)
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
