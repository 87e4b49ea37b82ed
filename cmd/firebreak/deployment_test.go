package main

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// TestDeployment: the first worker's build takes new cases by itself, the next one's after a promotion.
func TestDeployment(t *testing.T) {
	lab := labenv.Load(t)
	t.Chdir(t.TempDir())
	t.Setenv("TEMPORAL_ADDRESS", lab.Temporal.Address)
	t.Setenv("TEMPORAL_NAMESPACE", newNamespace(t, lab.Temporal.Address))
	if err := os.WriteFile("firebreak.yaml", []byte("deployment: {name: fb, build: from-file}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := startBuild(t, "1")
	lists(t, `^1 +current +\d{4}-`)
	second := startBuild(t, "")
	lists(t, `^from-file +idle `)
	says(t, first, "the deployment had no current build: this one was promoted")
	says(t, second, "this build takes its own cases only, until `firebreak deployment promote`")
	if got, want := string(say(t, "deployment", "promote", "from-file")), "from-file: new cases begin on it; before: 1\n"; got != want {
		t.Errorf("got %q", got)
	}
	lists(t, `^from-file +current `)
	if got := string(say(t, "deployment", "list", "--output", "json")); !strings.Contains(got, `"status": "current"`) || !strings.Contains(got, `"build": "1"`) {
		t.Errorf("got %s", got)
	}
}

// says waits until a line is logged.
func says(t *testing.T, log *safeBuffer, want string) {
	t.Helper()
	for range 150 {
		if strings.Contains(log.String(), want) {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("%q was not said:\n%s", want, log)
}

// startBuild runs an interpreter of a build until the test ends; without one, of the configuration's.
func startBuild(t *testing.T, build string) *safeBuffer {
	t.Helper()
	log := &safeBuffer{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	args := []string{"worker", "--role", "interpreter", "--drain", "1s"}
	if build != "" {
		args = append(args, "--build", build)
	}
	go func() { ended <- run(ctx, system{stdout: log, stderr: log, now: time.Now, env: os.LookupEnv}, args) }()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("the worker ended with %d:\n%s", code, log)
		}
	})
	return log
}

// lists waits until `firebreak deployment list` has such a line.
func lists(t *testing.T, line string) {
	t.Helper()
	var last safeBuffer
	for range 150 {
		var out safeBuffer
		sys := system{stdout: &out, stderr: &last, now: time.Now, env: os.LookupEnv}
		if run(t.Context(), sys, []string{"deployment", "list"}) == exitOK && regexp.MustCompile("(?m)"+line).MatchString(out.String()) {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("never listed %s: %s", line, &last)
}
