package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// TestScriptsWithTemporal runs what a user types about cases, with the lab's Temporal and a worker of the test's own.
func TestScriptsWithTemporal(t *testing.T) {
	lab := labenv.Load(t)
	namespace := newNamespace(t, lab.Temporal.Address)
	work := t.TempDir()
	t.Setenv("TEMPORAL_ADDRESS", lab.Temporal.Address)
	t.Setenv("TEMPORAL_NAMESPACE", namespace)
	t.Setenv("FIREBREAK_EVIDENCE", filepath.Join(work, "evidence"))
	t.Setenv("FIREBREAK_TRACKER", filepath.Join(work, "tickets"))
	startWorker(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/lab",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "FIREBREAK_EVIDENCE", "FIREBREAK_TRACKER"} {
				env.Setenv(name, os.Getenv(name))
			}
			env.Setenv("FIREBREAK_WEB_UI", lab.Temporal.UI)
			env.Setenv("RECEIVER", freeAddress(t))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "eventually": eventually, "caseid": caseID},
	})
}

// startWorker runs a worker without a cluster's credentials until the test ends.
func startWorker(t *testing.T) {
	t.Helper()
	var log safeBuffer
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	sys := system{stdout: os.Stdout, stderr: &log, now: time.Now, env: os.LookupEnv}
	go func() { ended <- run(ctx, sys, []string{"worker", "--role", "interpreter,analysis", "--drain", "1s"}) }()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("the worker ended with %d:\n%s", code, &log)
		}
	})
}

// newNamespace makes a Temporal namespace, so that no other test's worker takes this test's work.
func newNamespace(t *testing.T, address string) string {
	t.Helper()
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	name := "cmd-" + hex.EncodeToString(random)
	c, err := client.NewNamespaceClient(client.Options{HostPort: address})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	waitForNamespace(t, address, name)
	return name
}

// waitForNamespace waits until every part of the server knows the namespace: each has a cache of them.
func waitForNamespace(t *testing.T, address, name string) {
	t.Helper()
	all, err := cases.Dial(cases.Options{Address: address, Namespace: name})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	for range 150 {
		if _, err = all.List(t.Context(), cases.Filter{}); err == nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("namespace %q: %v", name, err)
}

func sourceDir(t *testing.T) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("where is this file?")
	}
	return filepath.Dir(file)
}
