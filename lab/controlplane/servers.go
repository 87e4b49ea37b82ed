package controlplane

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"github.com/firebreak-ir/firebreak/lab/process"
)

func (p ControlPlane) etcd(cfg Config) (process.Spec, error) {
	client, peer := loopback(cfg.Ports.Etcd), loopback(cfg.Ports.EtcdPeer)
	return process.Spec{
		Name: "etcd", Path: cfg.Binaries.Path("etcd"), Dir: p.dir,
		Args: []string{
			"--name=lab", "--data-dir=" + p.file("etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=lab=" + peer,
		},
		Ready: process.HTTPReady(http.DefaultClient, client+"/health"), Within: time.Minute,
	}, nil
}

func (p ControlPlane) apiServer(cfg Config) (process.Spec, error) {
	ready, err := p.ready(p.Server + "/readyz")
	return process.Spec{
		Name: "kube-apiserver", Path: cfg.Binaries.Path("kube-apiserver"), Dir: p.dir,
		Args: []string{
			"--etcd-servers=" + loopback(cfg.Ports.Etcd), "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", cfg.Ports.API),
			"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", // nobody reaches it from inside a pod
			"--cert-dir=" + p.dir, "--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key", "--client-ca-file=ca.crt",
			"--service-account-key-file=sa.pub", "--service-account-signing-key-file=sa.key", "--service-account-issuer=https://kubernetes.default.svc",
			"--authorization-mode=RBAC", "--allow-privileged=true", "--service-cluster-ip-range=10.96.0.0/16",
			"--kubelet-client-certificate=apiserver-kubelet.crt", "--kubelet-client-key=apiserver-kubelet.key",
			"--kubelet-preferred-address-types=InternalIP",
			"--audit-policy-file=audit-policy.yaml", "--audit-log-path=" + p.AuditLog, "--audit-log-mode=blocking", "--audit-log-maxsize=200",
			"--shutdown-delay-duration=0s",
		},
		Ready: ready, Within: 90 * time.Second,
	}, err
}

func (p ControlPlane) controllers(cfg Config) (process.Spec, error) {
	return process.Spec{
		Name: "kube-controller-manager", Path: cfg.Binaries.Path("kube-controller-manager"), Dir: p.dir,
		Args: []string{
			"--kubeconfig=controllers.kubeconfig", "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", cfg.Ports.Controllers),
			"--cert-dir=" + p.file("controllers"), "--leader-elect=false", "--use-service-account-credentials=false",
			"--service-account-private-key-file=sa.key", "--root-ca-file=ca.crt",
		},
		Ready: healthy(cfg.Ports.Controllers), Within: time.Minute,
	}, nil
}

func (p ControlPlane) scheduler(cfg Config) (process.Spec, error) {
	return process.Spec{
		Name: "kube-scheduler", Path: cfg.Binaries.Path("kube-scheduler"), Dir: p.dir,
		Args: []string{
			"--kubeconfig=scheduler.kubeconfig", "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", cfg.Ports.Scheduler),
			"--cert-dir=" + p.file("scheduler"), "--leader-elect=false",
		},
		Ready: healthy(cfg.Ports.Scheduler), Within: time.Minute,
	}, nil
}

// kwok acts for the annotated nodes only: the real node's kubelet acts for itself.
func (p ControlPlane) kwok(cfg Config) (process.Spec, error) {
	args := []string{
		"--kubeconfig=kwok.kubeconfig", "--manage-all-nodes=false", "--manage-nodes-with-annotation-selector=" + fakeNode,
		"--cidr=10.244.0.1/16", "--node-ip=127.0.0.1", fmt.Sprintf("--node-port=%d", cfg.Ports.Kwok),
		fmt.Sprintf("--server-address=127.0.0.1:%d", cfg.Ports.Kwok), "--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key",
		"--node-lease-duration-seconds=40",
	}
	for _, file := range kwokConfigs(cfg.Binaries) {
		args = append(args, "--config="+file)
	}
	return process.Spec{
		Name: "kwok", Path: cfg.Binaries.Path("kwok"), Dir: p.dir, Args: args,
		Ready: healthy(cfg.Ports.Kwok), Within: time.Minute,
	}, nil
}

func loopback(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// healthy asks a server that signed its certificate itself.
func healthy(port int) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // our own child on loopback, and only its health
	}}
	return process.HTTPReady(client, fmt.Sprintf("https://127.0.0.1:%d/healthz", port))
}
