package deploy_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/deploy"
)

var update = flag.Bool("update", false, "rewrite the committed manifest")

func shipped() []activities.Definition { return all.List(all.Deps{}) }

func TestCommittedManifestIsWhatTheActivitiesDeclare(t *testing.T) {
	want := deploy.RBAC(shipped())
	if *update {
		if err := os.WriteFile("rbac.yaml", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("rbac.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("rbac.yaml is not what the activities declare: run `go test ./deploy -update` and look at the difference")
	}
}

func TestRulesAreUnitedAndSorted(t *testing.T) {
	one := activities.Definition{Name: "a.one", Permissions: []activities.Permission{
		{Resource: "pods", Verbs: []string{"patch", "get"}},
		{Group: "apps", Resource: "replicasets", Verbs: []string{"list"}},
		{IAM: "ec2:DescribeInstances"},
	}}
	two := activities.Definition{Name: "b.two", Permissions: []activities.Permission{
		{Resource: "pods", Verbs: []string{"list", "get"}},
		{Resource: "nodes", Verbs: []string{"get"}},
	}}
	_, rest, _ := strings.Cut(string(deploy.RBAC([]activities.Definition{two, one})), "rules:\n")
	got, _, _ := strings.Cut(rest, "---")
	want := `  # b.two
  - apiGroups: [""]
    resources: ["nodes"]
    verbs: ["get"]
  # a.one, b.two
  - apiGroups: [""]
    resources: ["pods"]
    verbs: ["get", "list", "patch"]
  # a.one
  - apiGroups: ["apps"]
    resources: ["replicasets"]
    verbs: ["list"]
`
	if got != want {
		t.Errorf("rules are\n%s\nwant\n%s", got, want)
	}
}

func TestNoWildcardIsGranted(t *testing.T) {
	for _, d := range shipped() {
		for _, p := range d.Permissions {
			for _, verb := range p.Verbs {
				if verb == "*" || p.Resource == "*" || p.Group == "*" {
					t.Errorf("%s asks for a wildcard: %+v", d.Name, p)
				}
			}
		}
	}
}
