package worker

import (
	"os"
	"path/filepath"
	"testing"
)

const kubeconfig = `{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a}}],
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]}`

func TestAMendedKubeconfigHelpsWithoutARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	deps, err := Wire(Settings{Evidence: t.TempDir(), Tracker: t.TempDir(), Kubeconfig: file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deps.Cluster.Kubernetes(); err == nil {
		t.Fatal("connected without a kubeconfig")
	}
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := deps.Cluster.Kubernetes()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := deps.Cluster.Kubernetes(); err != nil || again != first {
		t.Fatalf("a second client was made: %v", err)
	}
}

func TestAnEvidenceStoreThatCannotBeMadeIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Wire(Settings{Evidence: filepath.Join(file, "evidence")}, nil); err == nil {
		t.Fatal("opened a store below a file")
	}
}
