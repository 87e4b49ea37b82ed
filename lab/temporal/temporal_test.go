package temporal

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/lab/process"
)

// TestMain lets the test program be the server, as the lab's own program is: a server that ends may not end the tests.
func TestMain(m *testing.M) {
	if database := os.Getenv("TEMPORAL_TEST_DATABASE"); database != "" {
		ports, err := ParsePorts(os.Getenv("TEMPORAL_TEST_PORTS"))
		if err == nil {
			err = Serve(context.Background(), Config{Database: database, Ports: ports, UI: true, LogLevel: "warn"})
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // here the test program is the server, and this is its main
	}
	m.Run()
}

func choosePorts(t *testing.T) Ports {
	t.Helper()
	p, err := process.FreePorts(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	return Ports{Frontend: p[0], History: p[1], Matching: p[2], Worker: p[3], UI: p[4]}
}

// serve starts a server on the database; end kills it as kill -9 does.
func serve(t *testing.T, database string) (ports Ports, end func()) {
	t.Helper()
	ports = choosePorts(t)
	group, err := process.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	end = func() {
		if err := group.Down(context.Background()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(end)
	err = group.Start(t.Context(), process.Spec{
		Name: "temporal", Path: os.Args[0], Grace: time.Nanosecond, Within: time.Minute,
		Env:   []string{"TEMPORAL_TEST_DATABASE=" + database, "TEMPORAL_TEST_PORTS=" + ports.String()},
		Ready: func(ctx context.Context) error { return Ready(ctx, ports, true) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return ports, end
}

func dial(t *testing.T, ports Ports) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: ports.Address(), Namespace: Namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// count runs an activity n times in a row.
func count(ctx workflow.Context, n int) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	sum := 0
	for range n {
		var one int
		if err := workflow.ExecuteActivity(ctx, "One").Get(ctx, &one); err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

func startWorker(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, "count", worker.Options{})
	w.RegisterWorkflowWithOptions(count, workflow.RegisterOptions{Name: "count"})
	w.RegisterActivity(&activities{})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

type activities struct{}

// One is the only activity.
func (*activities) One(context.Context) (int, error) { return 1, nil }

func TestServerRunsWorkflowsKeepsThemAndShowsThem(t *testing.T) {
	database := filepath.Join(t.TempDir(), "temporal.db")
	ports, end := serve(t, database)
	c := dial(t, ports)
	startWorker(t, c)
	options := client.StartWorkflowOptions{
		ID: "count-1", TaskQueue: "count",
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword("FirebreakPlaybook").ValueSet("pod-compromise"),
			temporal.NewSearchAttributeKeyKeyword("FirebreakCase").ValueSet("c"),
			temporal.NewSearchAttributeKeyKeyword("FirebreakPhase").ValueSet("contain"),
			temporal.NewSearchAttributeKeyKeyword("FirebreakCluster").ValueSet("lab"),
			temporal.NewSearchAttributeKeyKeyword("FirebreakOutcome").ValueSet("done"),
			temporal.NewSearchAttributeKeyKeywordList("FirebreakNodes").ValueSet([]string{"node-1", "node-2"}),
			temporal.NewSearchAttributeKeyBool("FirebreakDrill").ValueSet(true),
			temporal.NewSearchAttributeKeyTime("FirebreakAlertTime").ValueSet(time.Unix(1_800_000_000, 0)),
		),
	}
	run, err := c.ExecuteWorkflow(t.Context(), options, "count", 5)
	if err != nil {
		t.Fatal(err)
	}
	var sum int
	if err := run.Get(t.Context(), &sum); err != nil || sum != 5 {
		t.Fatalf("workflow: %d, %v", sum, err)
	}
	webUIShows(t, ports)
	end()
	again, _ := serve(t, database)
	if err := dial(t, again).GetWorkflow(t.Context(), "count-1", run.GetRunID()).Get(t.Context(), &sum); err != nil || sum != 5 {
		t.Errorf("after kill and restart: %d, %v", sum, err)
	}
}

func webUIShows(t *testing.T, ports Ports) {
	t.Helper()
	for path, want := range map[string]string{
		"/namespaces/default/workflows":        "<!doctype html>",
		"/api/v1/namespaces/default/workflows": "count-1",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ports.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(string(body)), want) {
			t.Errorf("GET %s: %s, %v, %.200s", path, response.Status, err, body)
		}
	}
}

func TestPortsSurviveTheCommandLine(t *testing.T) {
	want := Ports{Frontend: 1, History: 2, Matching: 3, Worker: 4, UI: 5}
	if got, err := ParsePorts(want.String()); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "1,2,3", "1,2,3,4,x"} {
		if _, err := ParsePorts(bad); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}
