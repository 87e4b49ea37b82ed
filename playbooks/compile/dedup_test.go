package compile

import (
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// TestDefaultKeyTellsContainersApart: Falco often knows the container and not its pod; two containers are two cases then.
func TestDefaultKeyTellsContainersApart(t *testing.T) {
	p, problems := compileFile(t, "testdata/ok/minimal.yaml")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, c := range map[string]struct {
		target plan.Target
		want   string
	}{
		"pod":               {plan.Target{Namespace: "shop", Pod: "web-1", Node: "n1", ContainerID: "c1"}, "lab/shop/web-1/Shell"},
		"pod, other worker": {plan.Target{Namespace: "shop", Pod: "web-1"}, "lab/shop/web-1/Shell"},
		"container":         {plan.Target{Node: "n1", ContainerID: "c1"}, "lab///n1/c1/Shell"},
		"other container":   {plan.Target{Node: "n1", ContainerID: "c2"}, "lab///n1/c2/Shell"},
		"other node":        {plan.Target{Node: "n2", ContainerID: "c1"}, "lab///n2/c1/Shell"},
		"host":              {plan.Target{Node: "n1"}, "lab///n1//Shell"},
		"forged pod":        {plan.Target{Namespace: "n1", Pod: "c1", Node: "n9"}, "lab/n1/c1/Shell"},
	} {
		got, err := plan.NewEvaluator().Key(p.Dedup, plan.Alert{Cluster: "lab", Rule: "Shell", Target: c.target})
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
	}
}

// TestNameLeavesRoomForTheCaseID: a case id, with 16 digits of the key and 8 of the run, is a Kubernetes label value.
func TestNameLeavesRoomForTheCaseID(t *testing.T) {
	longest := strings.Repeat("n", plan.MaxName)
	minimal := string(read(t, "testdata/ok/minimal.yaml"))
	if _, problems := Compile("f", []byte(strings.Replace(minimal, "name: minimal", "name: "+longest, 1)), testCatalog()); len(problems) > 0 {
		t.Errorf("%d characters: %v", len(longest), problems)
	}
	_, problems := Compile("f", []byte(strings.Replace(minimal, "name: minimal", "name: "+longest+"n", 1)), testCatalog())
	want := `f:3:18: the name "` + longest + `n" has 34 characters; at most 33 leave room for the digits that make a case id of it, which must fit a Kubernetes label [name]`
	if len(problems) != 1 || problems[0].Error() != want {
		t.Errorf("one more: got %v\nwant %s", problems, want)
	}
}
