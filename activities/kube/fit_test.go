package kube

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/firebreak-ir/firebreak/activities"
)

func numbered(n int, text string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%d", text, i))
	}
	return all
}

func size(t *testing.T, out any) int {
	t.Helper()
	raw, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return len(raw)
}

// TestNobodyKeepsAPodFromBeingIdentified by making more objects around it than an output can name.
func TestNobodyKeepsAPodFromBeingIdentified(t *testing.T) {
	long := strings.Repeat("x", 240)
	out := IdentifyPodOut{
		Name: "web", Pods: []PodRef{{Name: "web"}}, Services: numbered(5000, long), Ingresses: numbered(300, long), NetworkPolicies: numbered(3, long),
		Containers: make([]Container, 400), Volumes: make([]Volume, 400),
	}
	out.fit()
	if got := size(t, out); got > activities.MaxOutput || len(out.Services) == 0 || len(out.Pods) != 1 || len(out.NetworkPolicies) != 3 {
		t.Errorf("%d bytes, %d services, %d policies", got, len(out.Services), len(out.NetworkPolicies))
	}
	if len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "400 containers, 400 volumes, 5000 Services, 300 Ingresses") {
		t.Errorf("%q", out.Warnings)
	}
	small := IdentifyPodOut{Services: numbered(100, "s")}
	if small.fit(); len(small.Services) != 100 || len(small.Warnings) != 0 {
		t.Error("what has room was cut")
	}
}

// TestNobodyKeepsAPodFromBeingIsolated by policies that allow more than an output can say; and it is not taken for isolated.
func TestNobodyKeepsAPodFromBeingIsolated(t *testing.T) {
	e := effective{ingress: true, egress: true}
	for i := range 2000 {
		e.allowed = append(e.allowed, Allowance{Policy: fmt.Sprint("p-", i), Direction: "ingress", Rule: strings.Repeat("from everywhere ", 50)})
	}
	out := verdict(&corev1.Pod{}, PodRef{Namespace: "shop", Name: "web"}, e, numbered(2000, "slice"), nil)
	if got := size(t, out); got > activities.MaxOutput || len(out.StillAllowed) == 0 || out.Isolated {
		t.Errorf("%d bytes, %d rules, isolated: %v", got, len(out.StillAllowed), out.Isolated)
	}
	isolated := IsolatePodOut{StillAllowed: e.allowed, Released: numbered(2000, strings.Repeat("r", 60))}
	isolated.fit(func(of IsolatePodOut) string { return isolationSummary(activities.Call{}, PodRef{}, of) })
	if got := size(t, isolated); got > activities.MaxOutput || !strings.Contains(strings.Join(isolated.Warnings, " "), "2000 rules still allow something, 2000 objects let go") {
		t.Errorf("%d bytes, %q", got, isolated.Warnings)
	}
}
