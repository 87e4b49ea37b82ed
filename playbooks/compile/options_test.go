package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// folder is a playbook's folder in memory.
type folder map[string]string

func (f folder) read(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, errors.New("no such file")
	}
	return []byte(text), nil
}

// find gives every file whose name begins with that of the playbook.
func (f folder) find(name string) ([]Source, error) {
	var out []Source
	for _, version := range []string{"", "-1", "-2", "-3"} {
		if text, ok := f[name+version+".yaml"]; ok {
			out = append(out, Source{File: name + version + ".yaml", Data: []byte(text)})
		}
	}
	return out, nil
}

func (f folder) options() Options {
	return Options{
		Catalog: testCatalog(), Read: f.read, Find: f.find,
		Alert: func([]byte) (plan.Alert, error) { return plan.Alert{Rule: "from falco"}, nil },
	}
}

func playbook(name, version, rest string) string {
	return fmt.Sprintf("apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: %s, version: %s}\n%s", name, version, rest)
}

const lookStep = "steps:\n  - {id: look, phase: identify, uses: kube.look, with: {namespace: \"${{ inputs.space }}\", pod: b}}\n"

func calling(call string) string {
	return playbook("caller", "1.0.0", "steps:\n  - {id: sub, phase: identify, call: "+call+
		"}\n  - {id: names, set: {node: \"${{ steps.sub.output.node }}\", load: \"${{ steps.sub.output.load + 1.0 }}\"}}\n")
}

func callee(version string) string {
	return playbook("other", version, "inputs: {space: {type: string, required: true}, deep: {type: boolean, default: false}}\n"+
		strings.Replace(lookStep, "pod: b", "pod: b, deep: \"${{ inputs.deep }}\"", 1)+
		"outputs: {node: \"${{ steps.look.output.node }}\", load: \"${{ steps.look.output.load }}\"}\n")
}

func TestCallsAreResolvedIntoThePlan(t *testing.T) {
	files := folder{"other-1.yaml": callee("1.1.0"), "other-2.yaml": callee("1.2.3"), "other-3.yaml": callee("2.0.0")}
	tests := []struct{ call, version, wrong string }{
		{`{playbook: other, version: "^1.1", inputs: {space: shop}}`, "1.2.3", ""},
		{`{playbook: other, version: "1.1.0", inputs: {space: shop, deep: true}}`, "1.1.0", ""},
		{`{playbook: other, inputs: {space: shop}}`, "2.0.0", ""},
		{`{playbook: other, version: ">=3", inputs: {space: shop}}`, "", `no playbook "other" fits the version ">=3"; there is 1.1.0, 1.2.3, 2.0.0`},
		{`{playbook: other}`, "", `needs the field "space"`},
		{`{playbook: other, inputs: {space: 3}}`, "", `"space" must be a string`},
		{`{playbook: other, inputs: {space: shop, spice: x}}`, "", `has no field "spice"; did you mean "space"?`},
		{`{playbook: nothere}`, "", `there is no playbook "nothere"`},
	}
	for _, test := range tests {
		t.Run(test.call, func(t *testing.T) {
			p, problems := With("caller.yaml", []byte(calling(test.call)), files.options())
			if test.wrong != "" {
				if len(problems) == 0 || !strings.Contains(problems[0].Error(), test.wrong) {
					t.Fatal(problems)
				}
				return
			}
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			call := p.Steps[0].Call
			if call.Version != test.version || len(p.Playbooks) != 1 || p.Playbooks[0].Hash != call.Hash || p.Steps[0].Output != "{node: string, load: number}" {
				t.Fatalf("%+v %q", call, p.Steps[0].Output)
			}
		})
	}
}

func TestPlaybooksThatCallInACircleAreRefused(t *testing.T) {
	a := playbook("a", "1.0.0", "steps:\n  - {id: x, phase: identify, call: {playbook: b}}\n")
	b := playbook("b", "1.0.0", "steps:\n  - {id: x, phase: identify, call: {playbook: a}}\n")
	_, problems := With("a.yaml", []byte(a), folder{"a.yaml": a, "b.yaml": b}.options())
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "in a circle: a calls b calls a") {
		t.Fatal(problems)
	}
}

func TestALockSaysWhichFileACallMeans(t *testing.T) {
	files := folder{"other-1.yaml": callee("1.1.0"), "other-2.yaml": callee("1.2.3")}
	sum := sha256.Sum256([]byte(files["other-2.yaml"]))
	var seen []Locked
	o := files.options()
	o.Resolved = func(l Locked) { seen = append(seen, l) }
	text := []byte(calling(`{playbook: other, version: "^1.1", inputs: {space: shop}}`))
	if _, problems := With("caller.yaml", text, o); len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []Locked{{Name: "other", Version: "1.2.3", SHA256: hex.EncodeToString(sum[:])}}
	if d := cmp.Diff(want, seen); d != "" {
		t.Fatal(d)
	}
	o.Lock = &Lock{Playbooks: seen}
	if _, problems := With("caller.yaml", text, o); len(problems) > 0 {
		t.Fatal(problems)
	}
	files["other-3.yaml"] = callee("1.9.0") // newer, and not locked
	p, problems := With("caller.yaml", text, o)
	if len(problems) > 0 || p.Steps[0].Call.Version != "1.2.3" {
		t.Fatal(problems, p.Steps)
	}
	files["other-2.yaml"] += "# changed\n"
	if _, problems := With("caller.yaml", text, o); len(problems) != 1 || !strings.Contains(problems[0].Error(), "another than the one that was locked") {
		t.Fatal(problems)
	}
	delete(files, "other-2.yaml")
	if _, problems := With("caller.yaml", text, o); len(problems) != 1 || !strings.Contains(problems[0].Error(), "names version 1.2.3, which is gone") {
		t.Fatal(problems)
	}
	o.Lock = &Lock{}
	if _, problems := With("caller.yaml", text, o); len(problems) != 1 || !strings.Contains(problems[0].Error(), "does not name it") {
		t.Fatal(problems)
	}
}

func TestASchedulesAlertIsReadWhenItIsCompiled(t *testing.T) {
	text := func(file string) []byte {
		return []byte(playbook("drill", "1.0.0", "triggers:\n  - id: weekly\n    schedule: {cron: \"0 10 * * TUE\", timezone: Europe/Berlin, jitter: 10m}\n"+
			"    mode: drill\n    alert: "+file+"\ndedup: {key: alert.rule}\nsteps:\n  - {id: look, phase: identify, uses: kube.look, with: {namespace: a, pod: b}}\n"))
	}
	files := folder{"own.json": `{"rule":"Terminal shell","target":{"pod":"web"}}`, "falco.json": `{"output_fields":{}}`, "broken.json": `{`,
		"typo.json":  "{\"rulee\": \"Terminal shell\",\n  \"target\": {\"nodee\": \"n\"}, \"fields\": {\"any\": [{\"thing\": 1}]}}",
		"words.json": `{"rule": "x", "tags": ["a"], "fields": {"any": [{"thing": 1}]}, "time": "2026-01-01T00:00:00Z"}`,
		"empty.json": `{"target": {"pod": "web"}}`, "case.json": `{"Rule": "x"}`}
	tests := []struct{ file, rule, wrong string }{
		{"own.json", "Terminal shell", ""},
		{"falco.json", "from falco", ""},
		{"words.json", "x", ""},
		{"broken.json", "", "holds no alert"},
		{"typo.json", "", `line 1, column 2: an alert has no "rulee" here; did you mean "rule"?`},
		{"typo.json", "", `line 2, column 14: an alert has no "nodee" here; did you mean "node"?`},
		{"empty.json", "", `it has no "rule"`},
		{"case.json", "", `an alert has no "Rule" here; did you mean "rule"?`},
		{"missing.json", "", "cannot be read: no such file"},
		{"../own.json", "", "must stand in the playbook's folder"},
		{"/etc/passwd", "", "must stand in the playbook's folder"},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			p, problems := With("drill.yaml", text(test.file), files.options())
			if test.wrong != "" {
				if len(problems) != 1 || !strings.Contains(problems[0].Error(), test.wrong) {
					t.Fatal(problems)
				}
				return
			}
			want := &plan.ScheduleTrigger{Cron: "0 10 * * TUE", Timezone: "Europe/Berlin", Jitter: 10 * time.Minute, Overlap: "skip", Catchup: 15 * time.Minute}
			if len(problems) > 0 || cmp.Diff(want, p.Triggers[0].Schedule) != "" || p.Triggers[0].Mode != plan.Drill || p.Triggers[0].Alert.Rule != test.rule {
				t.Fatalf("%v %+v", problems, p.Triggers)
			}
		})
	}
}
