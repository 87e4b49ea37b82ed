package cases_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/worker/codec"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// planted is a value that must not be found.
const planted = "planted-9f3c1a77"

func ringOf(t *testing.T, current string, ids ...string) *codec.Ring {
	t.Helper()
	var keys []codec.Key
	for _, id := range ids {
		keys = append(keys, codec.Key{ID: id, Secret: bytes.Repeat([]byte(id[1:]), codec.KeySize)})
	}
	r, err := codec.NewRing(current, keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// leaky tells the planted value in every way that an activity has: progress, a failure, its output.
func leaky() activities.Definition {
	failed := false
	return activities.Define(activities.Activity[markIn, markOut]{
		Name: "test.leaky", Effect: activities.Capture, Place: activities.OnAnalysis,
		Run: func(ctx context.Context, _ activities.Call, in markIn) (markOut, error) {
			activities.Report(ctx, activities.Progress{Done: 1, Total: 2, Unit: planted})
			if !failed {
				failed = true
				return markOut{}, errors.New("failed about " + planted)
			}
			return markOut{activities.Result{Status: activities.Done, Summary: "saw " + planted}}, nil
		},
	})
}

// secretive is the input of a case that has the planted value wherever a person or a source may put it.
func secretive(cluster string, steps ...plan.Step) workflows.Input {
	in := input(cluster, steps...)
	in.Plan.Title = "Title " + planted
	in.Alert.Rule, in.Alert.Summary, in.Alert.Target.Pod = "Rule "+planted, "Summary "+planted, planted
	in.Alert.Fields = map[string]any{"proc.cmdline": "curl " + planted}
	in.Inputs = map[string]any{"note": planted}
	return in
}

func (w *world) opened(key string, in workflows.Input) cases.Case {
	w.t.Helper()
	started, err := w.Start(w.t.Context(), plan.WorkflowID("test", key), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return cases.Case{ID: started.Case, Workflow: started.Workflow, Run: started.Run, Cluster: w.cluster}
}

// TestAnEncryptedCase: with a key, nothing of a case can be read in what Temporal keeps, from its memo to its failures; a person
// with the key, the codec server and the evidence see all of it.
func TestAnEncryptedCase(t *testing.T) {
	w := newWorld(t)
	ring := ringOf(t, "k1", "k1")
	w.dial(ring.Converter())
	w.more = []activities.Definition{leaky()}
	w.works()
	in := secretive(w.cluster, use("see", "test.leaky", activities.OnAnalysis, activities.Capture), guarded("isolate"))
	in.Plan.Steps[0].Uses.Retry = plan.Retry{Attempts: 2, Initial: 3 * time.Second, Backoff: 1, Max: 3 * time.Second}
	of := w.opened("encrypted", in)
	w.until(of, "seen to wait for the next attempt, with what the one before said", func(v cases.View) bool {
		return len(v.Pending) == 1 && strings.Contains(v.Pending[0].Failure, "failed about "+planted) && v.Pending[0].Progress.Unit == planted
	})
	view := w.until(of, "held", held)
	if !strings.Contains(fmt.Sprint(view.Holds), "marks are forbidden") || !strings.Contains(fmt.Sprintf("%+v", view), "saw "+planted) {
		t.Errorf("the state is not readable: %+v", view)
	}
	w.mu.Lock()
	w.granted = true
	w.mu.Unlock()
	d := workflows.Decision{Path: "isolate", Action: workflows.RetryStep, By: planted, Reason: planted}
	if err := w.Decide(t.Context(), of, d); err != nil {
		t.Fatal(err)
	}
	if view = w.until(of, "closed", closed); view.Status != workflows.Completed {
		t.Fatalf("%+v", view)
	}
	history := w.raw(t, of)
	for _, text := range []string{planted, "marks are forbidden", "captured", "Terminal", "saw "} {
		if kept := w.kept(t, of, history); bytes.Contains(kept, []byte(text)) {
			t.Errorf("Temporal keeps %q:\n%s", text, around(kept, text))
		}
	}
	decoded := decodeOver(t, ring, history)
	for _, text := range []string{planted, "marks are forbidden", "failed about " + planted, "saw " + planted} {
		if !strings.Contains(decoded, text) {
			t.Errorf("%q is not found over the codec server", text)
		}
	}
	w.exported(t, of)
	w.replays(t, of, "encrypted")
	if _, err := w.Undo(t.Context(), of, cases.UndoRequest{By: "t"}, func(workflows.UndoResult) {}); err != nil {
		t.Error(err)
	}
}

// exported: the evidence is read without any key.
func (w *world) exported(t *testing.T, of cases.Case) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(w.store.Root(), of.ID, "data", "history.json"))
	if err != nil {
		t.Fatal(err)
	}
	history, err := client.HistoryFromJSON(bytes.NewReader(file), client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, p := range payloadsOf(t, history) {
		text.Write(p.GetData())
	}
	for _, part := range []string{"Rule " + planted, `"note":"` + planted, "curl " + planted} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("the evidence does not have %q", part)
		}
	}
	for _, part := range []string{codec.KeyIDField, "Encoded failure", "encodedAttributes"} {
		if bytes.Contains(file, []byte(part)) {
			t.Errorf("the evidence is not decrypted whole: it has %q", part)
		}
	}
}

// payloadsOf are all payloads of a history but search attributes.
func payloadsOf(t *testing.T, history *historypb.History) []*commonpb.Payload {
	t.Helper()
	var all []*commonpb.Payload
	err := proxy.VisitPayloads(t.Context(), proto.CloneOf(history), proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, list []*commonpb.Payload) ([]*commonpb.Payload, error) {
			all = append(all, list...)
			return list, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// raw is the history as Temporal keeps it.
func (w *world) raw(t *testing.T, of cases.Case) *historypb.History {
	t.Helper()
	history := &historypb.History{}
	events := w.Client().GetWorkflowHistory(t.Context(), of.Workflow, of.Run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		history.Events = append(history.Events, event)
	}
	return history
}

// kept is everything that Temporal keeps of a case.
func (w *world) kept(t *testing.T, of cases.Case, history *historypb.History) []byte {
	t.Helper()
	described, err := w.Client().DescribeWorkflowExecution(t.Context(), of.Workflow, of.Run)
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.Client().ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: w.namespace})
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, m := range []proto.Message{history, described, list} {
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw...)
	}
	if len(all) < 10_000 {
		t.Fatalf("%d bytes are no case", len(all))
	}
	return all
}

func around(all []byte, text string) []byte {
	at := bytes.Index(all, []byte(text))
	return all[max(0, at-60):min(len(all), at+60)]
}

// decodeOver sends every payload of a history to a codec server, as the Web UI does, and gives what comes back.
func decodeOver(t *testing.T, ring *codec.Ring, history *historypb.History) string {
	t.Helper()
	server := httptest.NewServer(codec.Handler(codec.ServerOptions{
		Ring: ring, Origin: "http://ui.example.com", Token: "0123456789abcdef", Log: slog.New(slog.DiscardHandler),
	}))
	defer server.Close()
	all := &commonpb.Payloads{Payloads: payloadsOf(t, history)}
	raw, err := protojson.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+codec.DecodePath, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "http://ui.example.com")
	req.Header.Set("Authorization", "Bearer 0123456789abcdef")
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s, %v", res.StatusCode, body, err)
	}
	var back commonpb.Payloads
	if err := protojson.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, p := range back.GetPayloads() {
		text.Write(p.GetData())
		text.WriteByte('\n')
	}
	return text.String()
}

// TestRotationWhileACaseIsHeld: a case that was opened with k1 goes on with k2. A worker that lacks k1 stops at it without
// harm, and the case goes on when the worker has both.
func TestRotationWhileACaseIsHeld(t *testing.T) {
	w := newWorld(t)
	w.dial(ringOf(t, "k1", "k1").Converter())
	stop := w.works()
	of := w.opened("rotation", secretive(w.cluster, guarded("isolate")))
	w.until(of, "held", held)
	stop()
	w.mu.Lock()
	w.granted = true
	w.mu.Unlock()

	w.dial(ringOf(t, "k2", "k2").Converter()) // somebody took k1 away too early
	stop = w.works()
	d := workflows.Decision{Path: "isolate", Action: workflows.RetryStep, By: "t", Reason: "granted"}
	ctx, done := context.WithTimeout(t.Context(), 8*time.Second)
	defer done()
	if err := w.Decide(ctx, of, d); err == nil {
		t.Error("a case was decided by a worker that cannot read it")
	}
	if _, err := w.Export(t.Context(), of.Workflow, of.Run, io.Discard); err == nil || !strings.Contains(err.Error(), `"k1"`) {
		t.Errorf("the export does not name the key: %v", err)
	}
	stop()
	if found, err := w.Find(t.Context(), of.ID); err != nil || !found.Open() {
		t.Fatalf("the case has ended: %+v, %v", found, err)
	}

	w.dial(ringOf(t, "k2", "k1", "k2").Converter())
	w.works()
	view := w.until(of, "decidable", func(v cases.View) bool { return held(v) || closed(v) })
	if held(view) { // the decision was not taken while no worker could read the case
		if err := w.Decide(t.Context(), of, d); err != nil && !errors.Is(err, cases.ErrRefused) {
			t.Fatal(err)
		}
	}
	if view := w.until(of, "closed", closed); view.Status != workflows.Completed {
		t.Fatalf("%+v", view)
	}
	used := map[string]int{}
	for _, p := range payloadsOf(t, w.raw(t, of)) {
		used[string(p.GetMetadata()[codec.KeyIDField])]++
	}
	if used["k1"] == 0 || used["k2"] == 0 || used[""] != 0 {
		t.Errorf("payloads by key: %v", used)
	}
	w.exported(t, of)
}
