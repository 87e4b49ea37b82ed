package worker

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

func TestWhoTakesNewCases(t *testing.T) {
	now := time.Now()
	poller := func(ago time.Duration, deployment, build string) *taskqueuepb.PollerInfo {
		p := &taskqueuepb.PollerInfo{LastAccessTime: timestamppb.New(now.Add(-ago))}
		if deployment != "" {
			p.DeploymentOptions = &deploymentpb.WorkerDeploymentOptions{
				DeploymentName: deployment, BuildId: build, WorkerVersioningMode: enumspb.WORKER_VERSIONING_MODE_VERSIONED,
			}
		}
		return p
	}
	one := &deploymentpb.WorkerDeploymentVersion{DeploymentName: "fb", BuildId: "1"}
	for name, test := range map[string]struct {
		current *deploymentpb.WorkerDeploymentVersion
		pollers []*taskqueuepb.PollerInfo
		want    bool
	}{
		"nobody":                         {nil, nil, false},
		"a worker without builds":        {nil, []*taskqueuepb.PollerInfo{poller(time.Minute, "", "")}, true},
		"it has gone":                    {nil, []*taskqueuepb.PollerInfo{poller(2*time.Minute, "", "")}, false},
		"builds, and none is current":    {nil, []*taskqueuepb.PollerInfo{poller(0, "fb", "1")}, false},
		"the current build":              {one, []*taskqueuepb.PollerInfo{poller(0, "fb", "2"), poller(time.Minute, "fb", "1")}, true},
		"the current build has gone":     {one, []*taskqueuepb.PollerInfo{poller(2*time.Minute, "fb", "1"), poller(0, "fb", "2")}, false},
		"one of another deployment":      {one, []*taskqueuepb.PollerInfo{poller(0, "other", "1")}, false},
		"a build is current, none polls": {one, []*taskqueuepb.PollerInfo{poller(0, "", "")}, false},
	} {
		if got := polled(test.pollers, test.current, now.Add(-forgotten)); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// TestNewCasesThatNobodyTakes: the workers of a deployment went, and one without a build came, as when somebody took deployment
// out of the configuration.
func TestNewCasesThatNobodyTakes(t *testing.T) {
	c, namespace := newNamespace(t)
	config := Config{Client: c, Namespace: namespace, Catalog: activities.NewCatalog(), Roles: []Role{Interpreter}, Drain: time.Second}
	config.Build = Build{Deployment: "fb", ID: "1"}
	first := startLogged(t, config)
	first.says(t, "this build takes new cases")
	first.stop()

	config.Build = Build{}
	off := startLogged(t, config)
	off.says(t, `NEW CASES WAIT: they begin on build \"1\" of deployment \"fb\", and no such worker has asked for work; `+
		"start one, or `firebreak deployment off --deployment fb`")
	off.stop()

	config.Build = Build{Deployment: "fb", ID: "2"}
	startLogged(t, config).says(t, "start one, or `firebreak deployment promote 2`")
}

func newNamespace(t *testing.T) (client.Client, string) {
	t.Helper()
	address, name := labenv.Load(t).Temporal.Address, fmt.Sprintf("worker-%d", time.Now().UnixNano())
	n, err := client.NewNamespaceClient(client.Options{HostPort: address})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	c, err := client.NewLazyClient(client.Options{HostPort: address, Namespace: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, name
}

// logged is a worker that runs, with its log.
type logged struct {
	stop func()

	mu  sync.Mutex
	log bytes.Buffer
}

// Write is the log's.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(p)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}

// startLogged runs a worker that takes others for gone at once.
func startLogged(t *testing.T, c Config) *logged {
	t.Helper()
	l := &logged{}
	c.Log = slog.New(slog.NewTextHandler(l, nil))
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	w.lookAgain, w.forgotten = 100*time.Millisecond, 2*time.Second
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	l.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(l.stop)
	return l
}

func (l *logged) says(t *testing.T, want string) {
	t.Helper()
	for range 300 {
		if strings.Contains(l.text(), want) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s was not said:\n%s", want, l.text())
}
