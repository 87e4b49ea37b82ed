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

// hundred is a playbook of a hundred steps, each with a condition and expressions.
func hundred() []byte {
	var b strings.Builder
	b.WriteString("apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: hundred, version: 1.0.0}\nsteps:\n")
	b.WriteString("  - {id: s0, phase: identify, uses: kube.look, with: {namespace: x, pod: y}}\n")
	for i := range 99 {
		prev, id := "s"+strconv.Itoa(i), "s"+strconv.Itoa(i+1)
		b.WriteString("  - id: " + id + "\n    if: has(steps." + prev + ".output) && steps." + prev + ".output.node != ''\n    uses: kube.look\n")
		b.WriteString("    with: {namespace: \"ns-${{ steps." + prev + ".output.node }}\", pod: \"${{ steps." + prev + ".output.pods[0].name }}\"}\n")
	}
	return []byte(b.String())
}

func BenchmarkCompileHundredSteps(b *testing.B) {
	data, catalog := hundred(), testCatalog()
	if _, problems := Compile("hundred.yaml", data, catalog); len(problems) > 0 {
		b.Fatal(problems)
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
}
