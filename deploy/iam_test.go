package deploy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/deploy"
)

func TestCommittedPoliciesAreWhatTheActivitiesDeclare(t *testing.T) {
	for name, place := range map[string]activities.Place{"iam-cluster.json": activities.OnCluster, "iam-analysis.json": activities.OnAnalysis} {
		want, err := deploy.IAM(shipped(), place)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the activities declare: run `go test ./deploy -update` and look at the difference", name)
		}
	}
}

// Every declared action stands in the policy of its place, and none of the other place's does.
func TestEveryActionIsGrantedWhereItIsUsed(t *testing.T) {
	granted := map[activities.Place][]string{}
	for _, place := range []activities.Place{activities.OnCluster, activities.OnAnalysis} {
		raw, err := deploy.IAM(shipped(), place)
		if err != nil {
			t.Fatal(err)
		}
		var policy struct{ Statement []struct{ Action []string } }
		if err := json.Unmarshal(raw, &policy); err != nil {
			t.Fatal(err)
		}
		for _, s := range policy.Statement {
			granted[place] = append(granted[place], s.Action...)
		}
	}
	declared := map[activities.Place][]string{}
	for _, d := range shipped() {
		for _, p := range d.Permissions {
			if p.IAM != "" && !slices.Contains(declared[d.Place], p.IAM) {
				declared[d.Place] = append(declared[d.Place], p.IAM)
			}
		}
	}
	for place, actions := range declared {
		slices.Sort(actions)
		slices.Sort(granted[place])
		if !slices.Equal(actions, granted[place]) {
			t.Errorf("%s: declared %q, granted %q", place, actions, granted[place])
		}
	}
}
