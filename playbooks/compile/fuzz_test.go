package compile

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// FuzzCompile feeds mutated playbooks: whatever comes, there is either a plan that evaluates or problems with places.
func FuzzCompile(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yaml", "testdata/err/*.yaml"} {
		for _, file := range files(f, pattern) {
			f.Add(read(f, file))
		}
	}
	catalog := testCatalog()
	f.Fuzz(func(t *testing.T, data []byte) {
		p, problems := Compile("f", data, catalog)
		for _, problem := range problems {
			if problem.Line < 1 || problem.Column < 1 || problem.Message == "" || problem.Rule == "internal" {
				t.Fatalf("not a proper problem: %v", problem)
			}
		}
		if len(problems) > 0 {
			return
		}
		if _, err := plan.NewEvaluator().For(p); err != nil {
			t.Fatal(err)
		}
		survivesJSON(t, p)
	})
}

// tenSteps are what a playbook is made of, with a number in every id.
const tenSteps = `
  - id: look%[1]d
    phase: identify
    uses: kube.look
    with: {namespace: "${{ alert.target.namespace }}", pod: "${{ alert.target.pod }}-%[1]d"}
    if: alert.target.namespace != '' && alert.rule != 'x%[1]d'
  - id: kind%[1]d
    if: has(steps.look%[1]d.output) && steps.look%[1]d.output.pods.exists(p, p.ready)
    then:
      - id: names%[1]d
        set: {title: "Node ${{ steps.look%[1]d.output.node }} of ${{ run.case }}", first: "${{ steps.look%[1]d.output.pods[0].name }}"}
      - id: mark%[1]d
        uses: kube.cordon
        with: {node: "${{ steps.look%[1]d.output.node }}", labels: {firebreak/case: "${{ run.case }}"}, days: "${{ inputs.days + %[1]d }}"}
        retry: {attempts: 10, max: 5s, when: "error.kind != 'Conflict'"}
  - id: isolate%[1]d
    if: has(steps.look%[1]d.output)
    foreach: {in: "steps.look%[1]d.output.pods.filter(p, p.ready && p.name != alert.target.pod)", as: pod, concurrency: 3, onError: continue}
    do:
      - {id: deny%[1]d, uses: kube.cordon, with: {node: "${{ pod.name }}"}, undo: {uses: kube.cordon, with: {node: "${{ pod.name }}"}}}
      - {id: verify%[1]d, while: {until: output.isolated && output.tries > 0, max: 12, every: 5s}, uses: kube.poll, with: {name: "${{ pod.name }}"}}
      - {id: logs%[1]d, uses: log.take, with: {name: "${{ pod.name }}"}, onError: continue}
  - id: tickets%[1]d
    foreach: {in: "steps.isolate%[1]d.items.filter(i, has(i.logs%[1]d.output)).map(i, i.logs%[1]d.output.url)", as: url}
    do:
      - {id: ticket%[1]d, uses: ticket.open, with: {title: "Logs ${{ url }} of ${{ alert.rule }}"}, idempotencyKey: "${{ run.case + '/' + url }}"}
`

// hundred is a playbook of a hundred steps, half of them inside others, with about two hundred expressions.
func hundred() []byte { return tens(10) }

// tens makes a playbook of that many times ten steps.
func tens(n int) []byte {
	var b strings.Builder
	b.WriteString("apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: hundred, version: 1.0.0}\n")
	b.WriteString("inputs: {days: {type: integer, default: 90}}\nsteps:")
	for i := range n {
		text := strings.ReplaceAll(tenSteps, "%[1]d", strconv.Itoa(i))
		if i > 0 { // the phase stays what it is
			text = strings.Replace(text, "    phase: identify\n", "", 1)
		}
		b.WriteString(text)
	}
	return []byte(b.String())
}

func BenchmarkCompile100Steps(b *testing.B) {
	data, catalog := hundred(), testCatalog()
	p, problems := Compile("hundred.yaml", data, catalog)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	steps := 0
	plan.Walk(func(plan.Step) { steps++ }, p.Steps)
	if steps != 100 {
		b.Fatalf("%d steps", steps)
	}
	b.ReportAllocs()
	for b.Loop() {
		Compile("hundred.yaml", data, catalog)
	}
}

func TestSizeLimits(t *testing.T) {
	p, problems := Compile("hundred.yaml", hundred(), testCatalog())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, large := SizeWarning(p); large {
		t.Error("a hundred steps are too large")
	}
	minimal := string(read(t, filepath.Join("testdata", "ok", "minimal.yaml")))
	padded := func(kilobytes int) []byte {
		return []byte(strings.Replace(minimal, `pod: "`, `pod: "`+strings.Repeat("x", kilobytes<<10), 1))
	}
	p, problems = Compile("huge.yaml", padded(110), testCatalog())
	if _, large := SizeWarning(p); !large || len(problems) > 0 {
		t.Errorf("no warning for a large plan; %d problems", len(problems))
	}
	if _, problems = Compile("huge.yaml", padded(260), testCatalog()); len(problems) != 1 || problems[0].Rule != "size" {
		t.Errorf("a plan beyond the limit gives %d problems", len(problems))
	}
	_, problems = Compile("f", tens(51), testCatalog())
	if want := "the playbook has 510 steps; the limit is 500"; len(problems) != 1 || problems[0].Message != want {
		t.Errorf("510 steps give %v", problems)
	}
	if _, problems = Compile("f", tens(50), testCatalog()); len(problems) > 0 {
		t.Errorf("500 steps give %v", problems[0])
	}
}
