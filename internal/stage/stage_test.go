package stage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// stage plays a shell script instead of the product.
func stage(t *testing.T, script string) *Stage {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "firebreak")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Binary: binary, Dir: t.TempDir(), Kube: "/lab/worker.kubeconfig", Lab: labenv.Lab{
		Temporal: labenv.Temporal{Address: "127.0.0.1:1", Namespace: "default"},
		AWS:      labenv.AWS{Endpoint: "http://127.0.0.1:2", Region: "us-east-1", AccessKey: "lab", SecretKey: "secret"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whoever runs the demo may have set anything: it must not reach a real account.
func TestNothingOfTheUsersServersGetsThrough(t *testing.T) {
	for _, name := range []string{
		"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_EC2", "AWS_ROLE_ARN", "TEMPORAL_API_KEY", "TEMPORAL_TLS_CLIENT_CERT_PATH",
		"TEMPORAL_PROFILE", "FIREBREAK_EVIDENCE", "KUBECONFIG", "AWS_REGION", "AWS_CONFIG_FILE", "TEMPORAL_CONFIG_FILE",
	} {
		t.Setenv(name, "the-users")
	}
	t.Setenv("HTTPS_PROXY", "kept")
	out, err := stage(t, "env").Command(t.Context()).Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "the-users") {
		t.Errorf("the product sees\n%s", out)
	}
	for _, want := range []string{
		"KUBECONFIG=/lab/worker.kubeconfig", "AWS_REGION=us-east-1", "TEMPORAL_ADDRESS=127.0.0.1:1", "HTTPS_PROXY=kept",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "TEMPORAL_CONFIG_FILE=/dev/null",
	} {
		if !strings.Contains("\n"+string(out), "\n"+want+"\n") {
			t.Errorf("the product does not see %s", want)
		}
	}
}

func TestAWorkerThatDiesEndsWhatWaitsForIt(t *testing.T) {
	worker, err := stage(t, "echo 'no kubeconfig'; exit 3").Worker()
	if err != nil {
		t.Fatal(err)
	}
	guarded, stop := worker.Guard(t.Context())
	defer stop()
	select {
	case <-guarded.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("it went on waiting")
	}
	var ended EndedError
	if err := context.Cause(guarded); !errors.As(err, &ended) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "    no kubeconfig") {
		t.Errorf("got %v", err)
	}
}

func TestAReceiverThatDiesIsQuoted(t *testing.T) {
	_, err := stage(t, "echo 'no token' >&2; exit 2").Receiver(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the receiver ended") || !strings.Contains(err.Error(), "no token") {
		t.Errorf("got %v", err)
	}
}
