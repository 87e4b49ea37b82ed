// Package stage plays the product's own binary against a running lab: it starts the worker and the receiver as
// processes of their own, sends alerts, and runs commands. The demo and the end-to-end tests stand on it.
package stage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// Options say what to play and where.
type Options struct {
	Binary    string     // path of the firebreak binary
	Dir       string     // logs, the token and the configuration
	Evidence  string     // the evidence store
	Tracker   string     // the tickets' folder
	Namespace string     // Temporal namespace; the lab's own when empty
	Cluster   string     // name of the cluster; the lab's own when empty
	AccessKey string     // AWS access key, under which faults are ordered and calls counted; the lab's own when empty
	Kube      string     // kubeconfig; the worker's service account of the lab when empty
	Lab       labenv.Lab // the servers
}

// Stage is a configuration of the product against one lab.
type Stage struct {
	Options

	Config  string // path of firebreak.yaml
	Address string // the receiver's address
	Token   string // the receiver's token
}

// New writes the configuration and the token. Nothing is started.
func New(o Options) (*Stage, error) {
	if o.Namespace == "" {
		o.Namespace = o.Lab.Temporal.Namespace
	}
	if o.Cluster == "" {
		o.Cluster = o.Lab.Cluster
	}
	if o.AccessKey == "" {
		o.AccessKey = o.Lab.AWS.AccessKey
	}
	if o.Kube == "" {
		o.Kube = o.Lab.Kubernetes.Worker
	}
	for _, dir := range []*string{&o.Binary, &o.Dir, &o.Evidence, &o.Tracker} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return nil, err
		}
		*dir = abs
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &Stage{Options: o, Config: filepath.Join(o.Dir, "firebreak.yaml"), Address: address}
	return s, s.write()
}

func (s *Stage) write() error {
	var secret [24]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return err
	}
	s.Token = hex.EncodeToString(secret[:])
	token := filepath.Join(s.Dir, "receiver-token")
	text := fmt.Sprintf(`cluster: %s
evidence: %s
tracker: %s
webUI: %s
receiver:
  listen: %s
  token: %s
playbooks: ["library/pod-compromise"]
tools:
  dockerExplorer: [%s]
`, quote(s.Cluster), quote(s.Evidence), quote(s.Tracker), quote(s.Lab.Temporal.UI), quote(s.Address), quote("file:"+token), quote(s.Lab.Tools.DockerExplorer))
	return errors.Join(os.WriteFile(token, []byte(s.Token+"\n"), 0o600), os.WriteFile(s.Config, []byte(text), 0o600))
}

// Environment is what the product's processes see: the servers of the lab and nobody else's, and the worker's own
// service account rather than the administrator's.
func (s *Stage) Environment() []string {
	lab := s.Lab
	return append(slices.DeleteFunc(os.Environ(), points),
		"TEMPORAL_ADDRESS="+lab.Temporal.Address, "TEMPORAL_NAMESPACE="+s.Namespace,
		"KUBECONFIG="+s.Kube,
		"AWS_ENDPOINT_URL="+lab.AWS.Endpoint, "AWS_REGION="+lab.AWS.Region,
		"AWS_ACCESS_KEY_ID="+s.AccessKey, "AWS_SECRET_ACCESS_KEY="+lab.AWS.SecretKey,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "TEMPORAL_CONFIG_FILE="+os.DevNull,
		"FIREBREAK_CONFIG="+s.Config, "FIREBREAK_PROMETHEUS="+lab.Prometheus,
	)
}

// points says whether a variable points the product at a server, an account or a configuration.
func points(variable string) bool {
	return strings.HasPrefix(variable, "KUBECONFIG=") || strings.HasPrefix(variable, "TEMPORAL_") ||
		strings.HasPrefix(variable, "AWS_") || strings.HasPrefix(variable, "FIREBREAK_")
}

// WebUI is the address of a run in the Temporal Web UI.
func (s *Stage) WebUI(workflow, run string) string {
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s/%s/timeline", s.Lab.Temporal.UI, s.Namespace, workflow, run)
}

// quote writes text as JSON, which YAML reads as the same text.
func quote(text string) string {
	raw, err := json.Marshal(text)
	if err != nil { // a string always encodes
		return `""`
	}
	return string(raw)
}

func freeAddress() (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0") // at once or not at all: nothing to cancel
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
