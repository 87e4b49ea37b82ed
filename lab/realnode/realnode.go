// Package realnode runs one real Kubernetes node on this machine: kubelet, containerd, runc and CNI, with everything
// that the node stores on a disk image of its own.
//
// The node lives in namespaces of its own, as a container would: its processes are seen from outside, but its mounts
// are not, and nothing of it outlives its first process. What lies outside of them (a bridge, a control group) is
// named after the lab's directory, so that several labs run side by side, and recorded in the group before it is made.
// The disk is mounted at /var of the node: the image holds /var/lib/containerd, /var/lib/kubelet and /var/log/pods
// under the names they have on any node. A copy of the image taken while the node runs is what a snapshot of an EBS
// volume would be.
package realnode

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/firebreak-ir/firebreak/lab/process"
)

// Config says which node to run, and with what.
type Config struct {
	Group      *process.Group    // records what Down has to undo; its directory holds the node's files
	Bin        string            // the directory of Programs
	Image      string            // the disk image, made by disk.Make
	Kubeconfig string            // the kubelet's; it has to be allowed all that a kubelet does
	ClientCA   string            // PEM file of the authority of the API server's kubelet client certificate
	Name       string            // of the node
	ProviderID string            // aws:///ZONE/INSTANCE
	Labels     map[string]string // of the node
	Out        io.Writer         // hears what is being done
}

// Programs lists what has to lie in Config.Bin.
func Programs() []string {
	return []string{"kubelet", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "bridge", "loopback", "host-local"}
}

// Node is a node that is up and ready.
type Node struct {
	Name    string
	Address string // of the bridge: the node's InternalIP
	Image   string // the node's disk
}

// Up starts the node, loads the lab's images into it and waits until it is Ready. The group's Down ends it, also
// after Up failed half-way.
func Up(ctx context.Context, cfg Config) (Node, error) {
	n, err := plan(ctx, cfg)
	if err != nil {
		return Node{}, fmt.Errorf("real node %q: %w", cfg.Name, err)
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"write its configuration", n.writeFiles}, // all settings are known before anything runs
		{"make its bridge", n.makeBridge},         // the kubelet announces the bridge's address
		{"make its control group", n.makeCgroups},
		{"mount its disk", n.startInit},
		{"start containerd", n.startContainerd},
		{"load images", n.loadImages},
		{"start the kubelet", n.startKubelet}, // ready when the API server says so
	} {
		fmt.Fprintf(cfg.Out, "real node %s: %s\n", cfg.Name, step.what)
		if err := step.do(ctx); err != nil {
			return Node{}, fmt.Errorf("real node %q: %s: %w", cfg.Name, step.what, err)
		}
	}
	return Node{Name: cfg.Name, Address: n.subnet.gateway().String(), Image: cfg.Image}, nil
}

// node is a planned node: the configuration and what follows from it.
type node struct {
	Config
	dir    string // of its files
	unique string // names what is shared with other labs on this machine
	subnet subnet
	runc   string // as the node sees it
	client kubernetes.Interface
}

func plan(ctx context.Context, cfg Config) (*node, error) {
	if err := Possible(ctx, cfg.Bin); err != nil {
		return nil, err
	}
	rest, err := clientcmd.BuildConfigFromFlags("", cfg.Kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return nil, err
	}
	unique := uniqueName(cfg.Group.Dir())
	net, err := freeSubnet(unique)
	if err != nil {
		return nil, err
	}
	runc, err := findRunc(ctx, cfg.Bin)
	if err != nil {
		return nil, err
	}
	return &node{Config: cfg, dir: filepath.Join(cfg.Group.Dir(), "node"), unique: unique, subnet: net, runc: runc, client: client}, nil
}
