// Package controlplane runs a real Kubernetes control plane on loopback: etcd, kube-apiserver, controller manager,
// scheduler, and kwok, which plays the kubelets of nodes that do not exist.
//
// Everything authenticates with certificates of an authority made for the one lab; authorization is RBAC, and every
// request of people and of the product is in an audit log.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"

	"github.com/firebreak-ir/firebreak/lab/build"
	"github.com/firebreak-ir/firebreak/lab/process"
)

// Config says which control plane to run, and with what.
type Config struct {
	Group    *process.Group
	Binaries build.Binaries
	Ports    Ports
	Now      func() time.Time
}

// Ports are the servers' loopback ports.
type Ports struct{ Etcd, EtcdPeer, API, Controllers, Scheduler, Kwok int }

// ControlPlane is one that runs. Its paths are all below the lab's directory.
type ControlPlane struct {
	Server   string // URL
	CA       string // PEM file; also of the API server's kubelet client certificate
	Admin    string // kubeconfig of an administrator
	Kubelet  string // kubeconfig for the real node's kubelet
	AuditLog string

	dir string
}

// Describe says where the parts of a control plane in dir are, running or not.
func Describe(dir string, ports Ports) ControlPlane {
	dir = filepath.Join(dir, "kubernetes")
	return ControlPlane{
		Server: fmt.Sprintf("https://127.0.0.1:%d", ports.API), dir: dir, CA: filepath.Join(dir, "ca.crt"),
		Admin: filepath.Join(dir, "admin.kubeconfig"), Kubelet: filepath.Join(dir, "kubelet.kubeconfig"),
		AuditLog: filepath.Join(dir, "audit.log"),
	}
}

// Up starts the control plane, which has no nodes yet. The group's Down ends it, also after Up failed.
func Up(ctx context.Context, cfg Config) (ControlPlane, error) {
	plane := Describe(cfg.Group.Dir(), cfg.Ports)
	if err := plane.write(cfg); err != nil {
		return ControlPlane{}, fmt.Errorf("prepare the control plane: %w", err)
	}
	for _, spec := range []func(Config) (process.Spec, error){
		plane.etcd,        // everything is stored here
		plane.apiServer,   // ready when it has made its own objects
		plane.controllers, // owners, disruption budgets, service accounts
		plane.scheduler,
		plane.kwok,
	} {
		s, err := spec(cfg)
		if err != nil {
			return ControlPlane{}, err
		}
		if err := cfg.Group.Start(ctx, s); err != nil {
			return ControlPlane{}, err
		}
	}
	return plane, nil
}

// write makes keys, certificates, kubeconfigs and configuration files.
func (p ControlPlane) write(cfg Config) error {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	ca, err := newAuthority(p.dir, cfg.Now())
	if err != nil {
		return err
	}
	masters := []string{"system:masters"}
	var failed []error
	for _, id := range []identity{
		{file: "apiserver", user: "kube-apiserver", hosts: []string{"localhost", "kubernetes.default.svc"}, ips: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)}},
		{file: "apiserver-kubelet", user: "kube-apiserver", groups: masters},
		{file: "admin", user: "lab-admin", groups: masters},
		{file: "kubelet", user: "lab-kubelet", groups: masters},
		{file: "kwok", user: "lab-kwok", groups: masters},
		{file: "controllers", user: "system:kube-controller-manager", groups: masters},
		{file: "scheduler", user: "system:kube-scheduler", groups: masters},
	} {
		failed = append(failed, ca.issue(id))
		if len(id.hosts) == 0 {
			failed = append(failed, p.writeKubeconfig(id.file))
		}
	}
	return errors.Join(append(failed, writeServiceAccountKeys(p.dir), p.writeFiles())...)
}

// Client is how the lab itself talks to the API server.
func (p ControlPlane) Client() *rest.Config {
	return &rest.Config{
		Host: p.Server, QPS: 200, Burst: 400,
		TLSClientConfig: rest.TLSClientConfig{CAFile: p.CA, CertFile: p.file("admin.crt"), KeyFile: p.file("admin.key")},
	}
}

func (p ControlPlane) file(name string) string { return filepath.Join(p.dir, name) }

// ready asks a server as an administrator.
func (p ControlPlane) ready(url string) (func(context.Context) error, error) {
	transport, err := rest.TransportFor(p.Client())
	if err != nil {
		return nil, err
	}
	return process.HTTPReady(&http.Client{Transport: transport}, url), nil
}
