package cases_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows"
)

// standIns are the shipped activities as playbooks know them, with answers of the test's: they need neither a cluster nor
// an account, and leave nothing of this machine in a history.
type standIns struct {
	mu      sync.Mutex
	refused map[string]string // the workflow id of a case -> the activity that is forbidden in it
	pods    int               // on the node
}

// answers are what the stand-ins say; what is left out is empty.
func answers(pods int) map[string]string {
	list := make([]string, pods)
	for i := range list {
		list[i] = fmt.Sprintf(`{"namespace": "shop", "name": "pod-%d", "uid": "0d%d"}`, i, i)
	}
	return map[string]string{
		"kube.identify_pod": `{"summary": "Pod shop/web-7d9f runs on n1.", "namespace": "shop", "name": "web-7d9f", "uid": "0a1b", "node": "n1",
			"pods": [{"namespace": "shop", "name": "web-7d9f", "uid": "0a1b"}],
			"host": {"name": "n1", "uid": "0c2d", "providerID": "aws:///us-east-1a/i-0123456789abcdef0", "instance": "i-0123456789abcdef0"}}`,
		"kube.identify_node": fmt.Sprintf(`{"summary": "Node n1 runs %d pods.", "podCount": %d, "pods": [%s],
			"node": {"name": "n1", "uid": "0c2d", "providerID": "aws:///us-east-1a/i-0123456789abcdef0", "instance": "i-0123456789abcdef0"}}`,
			pods, pods, strings.Join(list, ",")),
		"aws.find_instance":     `{"id": "i-0123456789abcdef0", "region": "us-east-1", "state": "running"}`,
		"kube.verify_isolation": `{"summary": "Cut off.", "isolated": true, "ingressDenied": true, "egressDenied": true}`,
		"kube.isolate_pod":      `{"summary": "cut off", "effective": true, "policy": "firebreak-0a1b"}`,
		"kube.cordon_node":      `{"summary": "cordoned", "uid": "0c2d", "holds": true}`,
		"aws.snapshot_volumes": `{"summary": "2 snapshots", "instance": "i-0123456789abcdef0", "region": "us-east-1",
			"snapshots": [{"id": "snap-0a"}, {"id": "snap-0b"}]}`,
		"forensics.read_snapshot": `{"summary": "read", "image": "images/snap-0a.img", "blocks": 9, "read": 9}`,
		"forensics.last_writes":   `{"summary": "1 file", "total": 1, "findings": [{"id": "f1", "title": "New cron entry", "severity": "high", "path": "/etc/cron.d/x"}], "found": 1}`,
		"forensics.analyze_snapshot": `{"summary": "1 finding", "image": "images/snap-0a.img",
			"findings": [{"id": "f1", "title": "New cron entry", "severity": "high", "path": "/etc/cron.d/x"}], "found": 1}`,
		"ticket.open":        `{"summary": "opened IR-1", "id": "IR-1"}`,
		"evidence.seal":      `{"summary": "sealed 3 files", "manifest": "manifest.sha256", "files": 3}`,
		"kube.find_isolated": `{"found": [{"kind": "Pod", "namespace": "shop", "name": "web-7d9f", "mark": "isolated", "case": "gone.12345678"}]}`,
	}
}

// catalog is every shipped activity with a stand-in's answer.
func (s *standIns) catalog(t *testing.T) activities.Catalog {
	t.Helper()
	say := answers(s.pods)
	var list []activities.Definition
	for _, d := range all.List(all.Deps{}) {
		d.Run = s.run(d, output(t, d, say[d.Name]))
		if d.Undo != nil {
			d.Undo = func(context.Context, activities.Call, json.RawMessage, json.RawMessage) error { return nil }
		}
		list = append(list, d)
	}
	return activities.NewCatalog(list...)
}

// output makes a whole output of what a stand-in says, and refuses what the activity never gives.
func output(t *testing.T, d activities.Definition, says string) json.RawMessage {
	t.Helper()
	of, err := activities.TypeOf(d.Out)
	if err != nil {
		t.Fatal(err)
	}
	var given map[string]any
	if says != "" {
		if err := json.Unmarshal([]byte(says), &given); err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
	}
	raw, err := json.Marshal(scenario.Filled(given, of))
	if err != nil {
		t.Fatal(err)
	}
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if err := strict.Decode(reflect.New(d.Out).Interface()); err != nil {
		t.Fatalf("the stand-in of %s says what it never says: %v", d.Name, err)
	}
	return raw
}

func (s *standIns) run(d activities.Definition, says json.RawMessage) func(context.Context, activities.Call, json.RawMessage) (json.RawMessage, error) {
	return func(_ context.Context, call activities.Call, in json.RawMessage) (json.RawMessage, error) {
		if s.refuses(call.Case, d.Name) {
			return nil, activities.Permanent(activities.Forbidden, errors.New("the worker may not"), "grant it to the worker")
		}
		if d.Name == workflows.DescribeTargets {
			return described(in)
		}
		return says, nil
	}
}

// described finds every target that is asked about, fit for drills, in a cluster of ten nodes.
func described(in json.RawMessage) (json.RawMessage, error) {
	var asked struct {
		Targets []json.RawMessage `json:"targets"`
	}
	if err := json.Unmarshal(in, &asked); err != nil {
		return nil, err
	}
	targets := make([]map[string]any, len(asked.Targets))
	for i := range targets {
		targets[i] = map[string]any{"exists": true, "labels": map[string]string{workflows.DrillLabel: "true"}, "controlPlane": false}
	}
	return json.Marshal(map[string]any{"status": "done", "summary": "", "targets": targets, "nodes": 10})
}

// refuse forbids one activity to the cases of a workflow id; an empty one allows all.
func (s *standIns) refuse(workflow, activity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[workflow] = activity
}

func (s *standIns) refuses(id, activity string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for workflow, refused := range s.refused {
		if refused == activity && strings.HasPrefix(id, workflow+".") {
			return true
		}
	}
	return false
}

// newShow is a world whose worker runs stand-ins.
func newShow(t *testing.T, pods int) (*world, *standIns) {
	t.Helper()
	s := &standIns{refused: map[string]string{}, pods: pods}
	w := newWorld(t)
	catalog := s.catalog(t)
	w.instead = &catalog
	w.cluster = "prod"
	w.works()
	return w, s
}

// soon is how far in the past an alert is: cases of minutes are measured from it.
const soon = 5 * time.Second
