package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
)

func inputPlan() Plan {
	text := activities.Type{Kind: activities.String}
	return Plan{Name: "p", Inputs: []Input{
		{Name: "ticket", Type: text, Required: true, Doc: "Queue of the ticket"},
		{Name: "days", Type: activities.Type{Kind: activities.Integer}, Default: int64(90)},
		{Name: "ratio", Type: activities.Type{Kind: activities.Number}},
		{Name: "nodes", Type: activities.Type{Kind: activities.List, Elem: &text}},
		{Name: "until", Type: activities.Type{Kind: activities.Time}},
	}}
}

func TestCheckInputs(t *testing.T) {
	got, err := CheckInputs(inputPlan(), map[string]any{"ticket": "SEC", "ratio": 2, "nodes": []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"ticket": "SEC", "days": int64(90), "ratio": int64(2), "nodes": []any{"a"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckInputsFindsAllAtOnce(t *testing.T) {
	_, err := CheckInputs(inputPlan(), map[string]any{"days": "x", "ratio": true, "nodes": []any{1}, "until": "soon", "other": 1})
	if err == nil {
		t.Fatal("passed")
	}
	want := `input "ticket" is missing: Queue of the ticket
input "days": the type is integer, but the value is text
input "ratio": the type is number, but the value is a boolean
input "nodes": item 0: the type is string, but the value is a whole number
input "until": the type is time, but the value is text
playbook "p" has no input "other"; it has ticket, days, ratio, nodes, until`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseInput(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       any
	}{{"ticket", "12", "12"}, {"days", "12", int64(12)}, {"nodes", `["a"]`, []any{"a"}}} {
		got, err := ParseInput(inputPlan(), c.name, c.text)
		if err != nil || cmp.Diff(c.want, got) != "" {
			t.Errorf("%s: got %v, %v", c.name, got, err)
		}
	}
	if _, err := ParseInput(inputPlan(), "days", "many"); err == nil {
		t.Error("passed")
	}
}
