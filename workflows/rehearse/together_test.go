package rehearse_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestActivitiesThatRunTogetherAreAllCounted: none is lost where many end in the same moment.
func TestActivitiesThatRunTogetherAreAllCounted(t *testing.T) {
	const many = 60
	var steps strings.Builder
	for i := range many {
		fmt.Fprintf(&steps, "      - {id: s%d, uses: kube.cordon_node, with: {node: n1}, retry: {attempts: 2}}\n", i)
	}
	g := of(t, "apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: together, version: 1.0.0}\nsteps:\n"+
		"  - id: all\n    phase: contain\n    parallel:\n"+steps.String())
	for range 10 {
		results, failed := on(t, g, `
  - name: together
    mocks: [{uses: kube.cordon_node, fails: {times: 1}}]
    expect: {outcome: contained}
`)
		if len(failed) > 0 || len(results[0].Ran) != 2*many {
			t.Fatalf("%d calls, %v", len(results[0].Ran), failed)
		}
	}
}
