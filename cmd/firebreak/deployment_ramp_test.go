package main

import (
	"os"
	"testing"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// TestDeploymentOnAndOff: a build takes a share of the new cases, then none, and workers without a build take them again.
func TestDeploymentOnAndOff(t *testing.T) {
	lab := labenv.Load(t)
	t.Chdir(t.TempDir())
	t.Setenv("TEMPORAL_ADDRESS", lab.Temporal.Address)
	t.Setenv("TEMPORAL_NAMESPACE", newNamespace(t, lab.Temporal.Address))
	if err := os.WriteFile("firebreak.yaml", []byte("deployment: {name: fb}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	startBuild(t, "1")
	lists(t, `^1 +current `)
	startBuild(t, "2")
	lists(t, `^2 +idle `)
	for _, step := range []struct {
		args []string
		says string
		list string
	}{
		{[]string{"ramp", "2", "12.5"}, "2: 12.5 % of the new cases begin on it\n", `^2 +ramping `},
		{[]string{"ramp", "2", "12.5"}, "2: 12.5 % of the new cases begin on it\n", `^2 +ramping `},
		{[]string{"ramp", "2", "0"}, "2: 0 % of the new cases begin on it\n", `^2 +(draining|drained) `},
		{[]string{"promote", "2"}, "2: new cases begin on it; before: 1\n", `^2 +current `},
		{[]string{"promote", "2"}, "2: new cases begin on it; before: 2\n", `^2 +current `},
		{[]string{"off"}, "new cases begin on workers without a build; before: 2\n", `^2 +(draining|drained) `},
		{[]string{"off"}, "new cases begin on workers without a build; before: the same\n", `^1 +(draining|drained) `},
	} {
		if got := string(say(t, append([]string{"deployment"}, step.args...)...)); got != step.says {
			t.Errorf("%v: got %q, want %q", step.args, got, step.says)
		}
		lists(t, step.list)
	}
}
