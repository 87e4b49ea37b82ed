package library

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

func catalog() activities.Catalog { return activities.NewCatalog(all.List(all.Deps{})...) }

func TestEveryPlaybookCompiles(t *testing.T) {
	if len(Names()) == 0 {
		t.Fatal("the library is empty")
	}
	for _, name := range Names() {
		raw, ok := Find(name)
		if !ok {
			t.Fatalf("%s is listed and not found", name)
		}
		p, problems := compile.Compile(Prefix+name, raw, catalog())
		for _, problem := range problems {
			t.Error(problem)
		}
		if len(problems) == 0 && p.Name != name {
			t.Errorf("file %s holds playbook %q", name, p.Name)
		}
		for _, text := range compile.Warnings(p) {
			t.Error(text)
		}
	}
}

func TestFindKeepsToTheLibrary(t *testing.T) {
	for _, name := range []string{"", ".", "nobody", "../library/pod-compromise", "pod-compromise.yaml"} {
		if _, ok := Find(name); ok {
			t.Errorf("found %q", name)
		}
	}
}

func podCompromise(t *testing.T) plan.Plan {
	t.Helper()
	raw, _ := Find("pod-compromise")
	p, problems := compile.Compile(Prefix+"pod-compromise", raw, catalog())
	for _, problem := range problems {
		t.Fatal(problem)
	}
	return p
}

func TestPodCompromiseStartsOnFalco(t *testing.T) {
	p, e := podCompromise(t), plan.NewEvaluator()
	alert := plan.Alert{
		Source: "falco", Cluster: "lab", Rule: "Terminal shell in container", Priority: "Notice",
		Target: plan.Target{Namespace: "shop", Pod: "web-1"},
	}
	if ok, err := e.Matches(p.Triggers[0], alert); !ok || err != nil {
		t.Errorf("the alert does not match: %v", err)
	}
	if key, err := e.Key(p.Dedup, alert); err != nil || key != "lab/shop/web-1/Terminal shell in container" {
		t.Errorf("key %q, %v", key, err)
	}
	alert.Priority = "Informational"
	if ok, _ := e.Matches(p.Triggers[0], alert); ok {
		t.Error("a lower priority matches")
	}
}

// TestContainmentWaitsForNothingElse is what the playbook promises: before containment, whatever may fail is passed over
// within seconds, except finding the pod itself; and the cordon does not come before the isolation.
func TestContainmentWaitsForNothingElse(t *testing.T) {
	const most = 17 * time.Second // of all attempts of one step
	for _, s := range podCompromise(t).Steps {
		if s.Phase == "contain" {
			if first := ids(s.Parallel); !slices.Equal(first, []string{"cordon", "isolate"}) || s.Parallel[1].Foreach.Do[0].Uses.Activity != "kube.isolate_pod" {
				t.Errorf("the first of the contain phase is %s with %q, not cordon and isolate together", s.Path, first)
			}
			return
		}
		each(s, func(s plan.Step) {
			if s.Uses == nil || s.ID == "scope" {
				return
			}
			if s.OnError != plan.Continue {
				t.Errorf("step %s may hold the run before the pod is contained", s.Path)
			}
			if r := s.Uses.Retry; time.Duration(r.Attempts)*s.Uses.Timeout+r.Initial*time.Duration(r.Attempts-1) > most {
				t.Errorf("step %s may take %d times %s before the pod is contained", s.Path, r.Attempts, s.Uses.Timeout)
			}
		})
	}
	t.Error("the playbook contains nothing")
}

func ids(steps []plan.Step) (all []string) {
	for _, s := range steps {
		all = append(all, s.ID)
	}
	return all
}

// each visits a step and those inside it.
func each(s plan.Step, visit func(plan.Step)) {
	visit(s)
	inside := s.Parallel
	if s.Foreach != nil {
		inside = s.Foreach.Do
	}
	for _, child := range inside {
		each(child, visit)
	}
}

// TestAlertsWithoutAPodAreToldApart by their containers: two of them on one node are two cases.
func TestAlertsWithoutAPodAreToldApart(t *testing.T) {
	p, e := podCompromise(t), plan.NewEvaluator()
	seen := map[string]bool{}
	for _, target := range []plan.Target{{Node: "n1", ContainerID: "aaaaaaaaaaaa"}, {Node: "n1", ContainerID: "bbbbbbbbbbbb"}, {Node: "n2", ContainerID: "aaaaaaaaaaaa"}} {
		key, err := e.Key(p.Dedup, plan.Alert{Cluster: "lab", Rule: "Terminal shell in container", Target: target})
		if err != nil || seen[key] {
			t.Errorf("%+v: key %q, %v", target, key, err)
		}
		seen[key] = true
	}
}

// TestWithoutCloud evaluates every condition of a node that no cloud knows: the case goes on without snapshots.
func TestWithoutCloud(t *testing.T) {
	p := podCompromise(t)
	e, err := plan.NewEvaluator().For(p)
	if err != nil {
		t.Fatal(err)
	}
	scope := plan.Scope{Alert: plan.Alert{}, Steps: map[string]any{
		"scope": map[string]any{"status": "done", "output": map[string]any{"node": "n1", "host": map[string]any{"name": "n1"}}},
	}}
	runs := map[string]bool{}
	var walk func(steps []plan.Step)
	walk = func(steps []plan.Step) {
		for _, s := range steps {
			runs[s.ID] = true
			if s.If != nil {
				ok, err := e.Bool(*s.If, scope)
				if err != nil {
					t.Errorf("step %s: %v", s.Path, err)
				}
				runs[s.ID] = ok
			}
			walk(s.Parallel)
		}
	}
	walk(p.Steps)
	for id, want := range map[string]bool{"cordon": true, "isolate": true, "instance": false, "disks": false, "improve": true} {
		if runs[id] != want {
			t.Errorf("step %s runs: %v, want %v", id, runs[id], want)
		}
	}
}

// TestTicketNamesWhatWasFound evaluates the ticket with one disk that was read and one that was not.
func TestTicketNamesWhatWasFound(t *testing.T) {
	p := podCompromise(t)
	e, err := plan.NewEvaluator().For(p)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := plan.Decode([]byte(`{
		"scope": {"status": "done", "output": {"summary": "Pod shop/web-1 runs on n1."}},
		"cut_off": {"status": "done", "isolate": {"status": "done", "items": [
			{"status": "done", "verify": {"status": "done", "output": {"summary": "Cut off."}}},
			{"status": "done", "verify": {"status": "failed", "error": "Not cut off."}}]}},
		"offline": {"status": "done", "items": [
			{"status": "done",
			 "containers": {"status": "done", "output": {"summary": "7 containers."}},
			 "writes": {"status": "done", "output": {"summary": "3 files.", "findings": [{"title": "New cron entry", "path": "/etc/cron.d/x"}]}},
			 "explore": {"status": "failed", "error": "not installed"}},
			{"status": "failed", "error": "corrupt"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	improve := p.Steps[len(p.Steps)-1]
	got, err := e.Value(improve.Uses.With, plan.Scope{
		Alert: plan.Alert{Rule: "Terminal shell in container", Target: plan.Target{Namespace: "shop", Pod: "web-1"}},
		Run:   plan.Run{Case: "c-1", Cluster: "lab", Playbook: p.Name},
		Steps: steps.(map[string]any),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"title":    "Terminal shell in container in shop/web-1",
		"body":     "Case c-1 on cluster lab.\n\nPod shop/web-1 runs on n1.\nFind out how it began, and close that way.\n",
		"severity": "high",
		"items":    []any{"Cut off.", "Not cut off.", "7 containers.", "3 files.", "New cron entry: /etc/cron.d/x"},
		"labels":   []any{"incident", "pod-compromise"},
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestADiskWithCorruptBlocksIsReadWithHoles once a person skipped the step that refuses them: the later steps take the
// image that there is.
func TestADiskWithCorruptBlocksIsReadWithHoles(t *testing.T) {
	p := podCompromise(t)
	e, err := plan.NewEvaluator().For(p)
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]plan.Step{}
	for _, s := range p.Steps {
		each(s, func(s plan.Step) { steps[s.ID] = s })
	}
	for name, test := range map[string]struct {
		seen        string
		holes, list bool
		image       string
	}{
		"read":    {`{"read": {"status": "done", "output": {"image": "whole"}}, "read_with_holes": {"status": "skipped"}}`, false, true, "whole"},
		"skipped": {`{"read": {"status": "skipped", "error": "1 of 9 blocks"}, "read_with_holes": {"status": "done", "output": {"image": "holes"}}}`, true, true, "holes"},
		"neither": {`{"read": {"status": "skipped", "error": "1 of 9 blocks"}, "read_with_holes": {"status": "skipped", "error": "gone"}}`, true, false, ""},
	} {
		seen, err := plan.Decode([]byte(test.seen))
		if err != nil {
			t.Fatal(err)
		}
		scope := plan.Scope{Steps: seen.(map[string]any)}
		if holes, err := e.Bool(*steps["read_with_holes"].If, scope); holes != test.holes || err != nil {
			t.Errorf("%s: reads with holes %v, %v", name, holes, err)
		}
		if list, err := e.Bool(*steps["containers"].If, scope); list != test.list || err != nil {
			t.Errorf("%s: lists containers %v, %v", name, list, err)
		}
		with, err := e.Value(steps["containers"].Uses.With, scope)
		if err != nil || with.(map[string]any)["image"] != test.image {
			t.Errorf("%s: image %v, %v", name, with, err)
		}
	}
}
