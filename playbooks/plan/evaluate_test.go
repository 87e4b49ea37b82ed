package plan

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
)

// testPlan has one step of each verb; the types are those of made-up activities.
func testPlan() Plan {
	return Plan{
		Name: "test",
		Inputs: []Input{
			{Name: "ratio", Type: activities.Type{Kind: activities.Number}},
			{Name: "count", Type: activities.Type{Kind: activities.Integer}},
		},
		Types: map[string]string{
			"kube.look":  "{status: string, node: string, pods: [{name: string, ready?: boolean}], at: time, load: number, note?: string, tags?: map of string}",
			"disk.shoot": "{status: string, id: string}",
		},
		Steps: []Step{
			{ID: "look", Uses: &Uses{Activity: "kube.look"}},
			{ID: "both", Parallel: []Step{{ID: "left", Uses: &Uses{Activity: "disk.shoot"}}}},
			{ID: "way", Branch: &Branch{Then: []Step{{ID: "yes", Uses: &Uses{Activity: "disk.shoot"}}}}},
			{ID: "each", Foreach: &Foreach{As: "pod", Item: "{name: string, ready?: boolean}", Do: []Step{
				{ID: "shoot", Uses: &Uses{Activity: "disk.shoot"}},
			}}},
		},
	}
}

func testScope(t *testing.T) Scope {
	t.Helper()
	steps, err := Decode([]byte(`{
		"look": {"status": "done", "output": {"status": "done", "node": "n1", "pods": [{"name": "a", "ready": true}, {"name": "b"}],
			"at": "2026-01-02T03:04:05Z", "load": 2, "tags": {"z": "1", "a": "2"}}},
		"both": {"status": "done", "left": {"status": "done", "output": {"status": "done", "id": "snap-1"}}},
		"way": {"status": "skipped"},
		"each": {"status": "done", "items": [
			{"status": "done", "shoot": {"status": "done", "output": {"status": "done", "id": "snap-2"}}},
			{"status": "failed", "error": "no such pod", "shoot": {"status": "failed", "error": "no such pod"}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return Scope{
		Alert: Alert{
			Source: "falco", Cluster: "lab", Rule: "Terminal shell in container", Priority: "Notice",
			Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Target: Target{Namespace: "shop", Pod: "web-1"},
			Fields: map[string]any{"evt.time": json.Number("1734874540929908828"), "proc.cmdline": "${{ run.case }}"},
		},
		Inputs: map[string]any{"ratio": 3.0, "count": 3.0},
		Run:    Run{Case: "c-1", Now: time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)},
		Steps:  steps.(map[string]any),
		Vars:   map[string]any{"pod": map[string]any{"name": "a"}},
	}
}

func evaluator(t *testing.T) *Evaluator {
	t.Helper()
	e, err := NewEvaluator().For(testPlan())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestValue(t *testing.T) {
	for source, want := range map[string]any{
		`steps.look.output.node`:                    "n1",
		`steps.look.output.load + 0.5`:              2.5,
		`steps.look.output.load > 1.5`:              true,
		`inputs.ratio / 2.0`:                        1.5,
		`inputs.count / 2`:                          int64(1),
		`steps.look.output.at < run.now`:            true,
		`steps.look.output.at + duration('1h')`:     "2026-01-02T04:04:05Z",
		`alert.time`:                                "2026-01-02T03:04:05Z",
		`steps.look.output.note`:                    "",
		`has(steps.look.output.note)`:               false,
		`steps.look.output.pods.filter(p, p.ready)`: []any{map[string]any{"name": "a", "ready": true}},
		`steps.look.output.pods.map(p, p.name)`:     []any{"a", "b"},
		`steps.look.output.pods[1].ready`:           false,
		`steps.both.left.output.id`:                 "snap-1",
		`steps.both.status`:                         "done",
		`has(steps.way.yes)`:                        false,
		`has(steps.way.yes.output)`:                 false,
		`steps.way.yes.output == null`:              true,
		`steps.way.yes.status`:                      "skipped",
		`steps.each.items[0].shoot.output.id`:       "snap-2",
		`steps.each.items[1].shoot.output == null`:  true,
		`steps.each.items[1].error`:                 "no such pod",
		`steps.each.items.filter(i, has(i.shoot.output)).map(i, i.shoot.output.id)`: []any{"snap-2"},
		`size(steps.each.items)`:           int64(2),
		`pod.name`:                         "a",
		`pod.ready`:                        false,
		`alert.fields['evt.time']`:         int64(1734874540929908828),
		`alert.fields['proc.cmdline']`:     "${{ run.case }}",
		`alert.tags`:                       []any{},
		`steps.look.output.tags.map(k, k)`: []any{"a", "z"},
		`{'a': [1, 2.5, true, null]}`:      map[string]any{"a": []any{int64(1), 2.5, true, nil}},
		`'a,b'.split(',')`:                 []any{"a", "b"},
		`[[1], [2]].flatten()`:             []any{int64(1), int64(2)},
		`run.alerts`:                       int64(0),
	} {
		got, err := evaluator(t).Value(Value{Expr: &Expr{Source: source}}, testScope(t))
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}

func TestValueFails(t *testing.T) {
	for source, want := range map[string]string{
		`steps.way.yes.output.id`:   `step "yes" has no output because it was skipped or failed`,
		`steps.gone.output`:         `there is no step "gone"`,
		`steps.look.output.nod`:     `no such field: nod`,
		`1 / (inputs.count - 3)`:    `division by zero`,
		`steps.look.output.pods[7]`: `index out of bounds`,
		`1.0 / 0.0`:                 `not a finite number`,
		`b'abc'`:                    `cannot leave an expression`,
		`{1: 'a'}`:                  `keys of a map must be text`,
		`nobody`:                    `no such attribute`,
		`steps.look.output.pods.map(a, steps.look.output.pods.map(b, 'aaaaaaaaaaaaaaaa'.matches('(a+)+b')))`: ``,
	} {
		if want == "" {
			continue
		}
		_, err := evaluator(t).Value(Value{Expr: &Expr{Source: source}}, testScope(t))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", source, err, want)
		}
	}
}

func TestCostIsLimited(t *testing.T) {
	big := `lists.range(1000).map(a, lists.range(1000).map(b, a + b))`
	_, err := evaluator(t).Value(Value{Expr: &Expr{Source: big}}, testScope(t))
	if err == nil || !strings.Contains(err.Error(), "cost") {
		t.Errorf("got %v, want the cost limit", err)
	}
}

func TestTemplate(t *testing.T) {
	v := Value{Map: []Entry{
		{Key: "words", Value: Value{Text: []Part{{Words: "pod "}, {Expr: &Expr{Source: "pod.name"}}, {Words: " of "}, {Expr: &Expr{Source: "steps.look.output.load"}}}}},
		{Key: "hostile", Value: Value{Text: []Part{{Words: "cmd: "}, {Expr: &Expr{Source: "alert.fields['proc.cmdline']"}}}}},
		{Key: "list", Value: Value{List: []Value{{Literal: "x"}, {Literal: int64(2)}, {Empty: "map"}}}},
		{Key: "none", Value: Value{Empty: "list"}},
	}}
	want := map[string]any{
		"words": "pod a of 2", "hostile": "cmd: ${{ run.case }}",
		"list": []any{"x", int64(2), map[string]any{}}, "none": []any{},
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var after Value
	if err := json.Unmarshal(raw, &after); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]Value{"as compiled": v, "after JSON": after} {
		got, err := evaluator(t).Value(value, testScope(t))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestResultsAreCopies(t *testing.T) {
	s := testScope(t)
	before, _ := json.Marshal(s.Steps)
	got, err := evaluator(t).List(Expr{Source: "steps.look.output.pods"}, s)
	if err != nil {
		t.Fatal(err)
	}
	got[0].(map[string]any)["name"] = "changed"
	if after, _ := json.Marshal(s.Steps); string(after) != string(before) {
		t.Error("changing a result changed the scope")
	}
}

func TestMatchesAndKey(t *testing.T) {
	e := NewEvaluator()
	alert := testScope(t).Alert.(Alert)
	when := func(source string) *Expr { return &Expr{Source: source} }
	for name, c := range map[string]struct {
		trigger FalcoTrigger
		want    bool
		err     string
	}{
		"anything":           {trigger: FalcoTrigger{}, want: true},
		"same priority":      {trigger: FalcoTrigger{MinPriority: "Notice"}, want: true},
		"graver is needed":   {trigger: FalcoTrigger{MinPriority: "Warning"}},
		"rule":               {trigger: FalcoTrigger{Rules: []string{"x", "Terminal shell in container"}}, want: true},
		"other rule":         {trigger: FalcoTrigger{Rules: []string{"x"}}},
		"condition holds":    {trigger: FalcoTrigger{When: when("alert.target.namespace == 'shop'")}, want: true},
		"condition fails":    {trigger: FalcoTrigger{When: when("alert.target.namespace == ''")}},
		"condition is wrong": {trigger: FalcoTrigger{When: when("alert.fields['x'] == 1")}, err: "no such key"},
	} {
		got, err := e.Matches(Trigger{Falco: &c.trigger}, alert)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	key, err := e.Key(Dedup{Key: Expr{Source: "alert.cluster + '/' + alert.target.pod"}}, alert)
	if key != "lab/web-1" || err != nil {
		t.Errorf("key %q, %v", key, err)
	}
	if _, err := e.Key(Dedup{Key: Expr{Source: "''"}}, alert); err == nil {
		t.Error("an empty key passed")
	}
}

func TestNotation(t *testing.T) {
	for _, text := range testPlan().Types {
		typ, err := ParseNotation(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Notation(typ); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
	for _, broken := range []string{"", "[string", "{a string}", "{a: string", "nothing", "string string"} {
		if _, err := ParseNotation(broken); err == nil {
			t.Errorf("%q passed", broken)
		}
	}
}
