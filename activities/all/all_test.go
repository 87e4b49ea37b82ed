package all_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
)

// TestEveryActivityKeepsTheRules holds each declaration to what the documentation, the compiler and the interpreter
// take for granted. It needs no server: the rooms' own tests hold the behaviour.
func TestEveryActivityKeepsTheRules(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range all.List(all.Deps{}) {
		t.Run(d.Name, func(t *testing.T) {
			if seen[d.Name] {
				t.Errorf("the name is there twice")
			}
			seen[d.Name] = true
			checkName(t, d)
			checkWords(t, d)
			checkEffect(t, d)
			checkTimes(t, d)
			checkPermissions(t, d)
			checkType(t, "input", d.In)
			checkType(t, "output", d.Out)
			checkExample(t, d)
		})
	}
}

func checkName(t *testing.T, d activities.Definition) {
	t.Helper()
	parts := regexp.MustCompile(`^([a-z]+)\.([a-z]+(?:_[a-z]+)*)$`).FindStringSubmatch(d.Name)
	if parts == nil {
		t.Fatalf("the name is not room.verb_noun")
	}
	if _, err := os.Stat(filepath.Join("..", parts[1], parts[2]+".go")); err != nil {
		t.Errorf("it is not in activities/%s/%s.go", parts[1], parts[2])
	}
}

func checkWords(t *testing.T, d activities.Definition) {
	t.Helper()
	for what, text := range map[string]string{"summary": d.Summary, "idempotency": d.Idempotency, "example": d.Example} {
		if strings.TrimSpace(text) == "" {
			t.Errorf("it has no %s", what)
		}
	}
	if !strings.HasSuffix(d.Summary, ".") || strings.Contains(d.Summary, "\n") {
		t.Errorf("the summary is not one sentence: %q", d.Summary)
	}
}

func checkEffect(t *testing.T, d activities.Definition) {
	t.Helper()
	switch d.Effect {
	case activities.Read, activities.Capture, activities.Change, activities.Destroy:
	default:
		t.Errorf("the effect %q is not known", d.Effect)
	}
	if (d.Undo != nil) != (d.Effect == activities.Change) {
		t.Errorf("the effect is %q, and undo is set: %v", d.Effect, d.Undo != nil)
	}
	if (d.Volatility != activities.NoRank) != (d.Effect == activities.Capture) {
		t.Errorf("the effect is %q, and the rank of volatility is %d", d.Effect, d.Volatility)
	}
	if d.Place != activities.OnCluster && d.Place != activities.OnAnalysis {
		t.Errorf("the place %q is not known", d.Place)
	}
	checkTargets(t, d)
}

// checkTargets: what changes something says which objects, or no guard and no drill's fence could hold it; of a capture it
// is known whose evidence it takes, where that is one target's.
func checkTargets(t *testing.T, d activities.Definition) {
	t.Helper()
	changes := d.Effect == activities.Change || d.Effect == activities.Destroy
	if changes && len(d.Targets) == 0 || len(d.Targets) > 0 && d.Effect == activities.Read {
		t.Errorf("the effect is %q, and it names %d targets", d.Effect, len(d.Targets))
	}
	in, err := activities.TypeOf(d.In)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range d.Targets {
		if _, there := in.Field(target.Field); !there || target.Kind == "" {
			t.Errorf("the input has no field for the target %+v", target)
		}
	}
}

func checkTimes(t *testing.T, d activities.Definition) {
	t.Helper()
	if d.Timeout <= 0 {
		t.Errorf("it has no timeout")
	}
	if d.Timeout > 5*time.Minute && d.Heartbeat <= 0 {
		t.Errorf("it may take %s and reports no progress", d.Timeout)
	}
	if d.Heartbeat > d.Timeout {
		t.Errorf("the heartbeat of %s is longer than the timeout of %s", d.Heartbeat, d.Timeout)
	}
}

func checkPermissions(t *testing.T, d activities.Definition) {
	t.Helper()
	needs := d.Place == activities.OnCluster && !strings.HasPrefix(d.Name, "telemetry.") // those servers know no RBAC
	if needs && len(d.Permissions) == 0 {
		t.Errorf("it runs with a cluster's credentials and declares no permission")
	}
	for _, p := range d.Permissions {
		kubernetes := p.Resource != "" && len(p.Verbs) > 0
		if kubernetes == (p.IAM != "") || p.Why == "" {
			t.Errorf("permission %+v: exactly one of RBAC and IAM must be set, and a reason", p)
		}
	}
}

func checkType(t *testing.T, what string, goType reflect.Type) {
	t.Helper()
	typ, err := activities.TypeOf(goType)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if typ.Kind != activities.Object {
		t.Errorf("the %s is no object but %s", what, typ.Kind)
	}
	checkFields(t, what, typ)
}

func checkFields(t *testing.T, what string, typ activities.Type) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range typ.Fields {
		at := what + "." + f.Name
		if f.Doc == "" {
			t.Errorf("%s has no doc tag", at)
		}
		if seen[f.Name] {
			t.Errorf("%s is there twice", at)
		}
		seen[f.Name] = true
		checkFields(t, at, f.Type)
	}
	if typ.Elem != nil {
		checkFields(t, what+"[]", *typ.Elem)
	}
}

// checkExample compiles the example as the steps of a playbook, the last of which is the activity's: an example that lies fails the build.
func checkExample(t *testing.T, d activities.Definition) {
	t.Helper()
	compiled, problems := compile.Compile("example.yaml", compile.Example(d.Example), all.Catalog(all.Deps{}))
	for _, p := range problems {
		t.Errorf("example: %s", fmt.Sprint(p))
	}
	if len(problems) > 0 {
		return
	}
	last := compiled.Steps[len(compiled.Steps)-1] // before it stands what it needs
	if last.Uses == nil || last.Uses.Activity != d.Name {
		t.Errorf("the example does not use the activity")
	}
}
