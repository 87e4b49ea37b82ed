// Package build makes the lab's server programs from Go modules, once for each set of versions, in a cache outside the
// checkout.
package build

// Server is one module below lab/servers and the programs that it gives.
type Server struct {
	Module   string            // directory name below servers
	Programs map[string]string // program name -> package
	LDFlags  string
	Tags     string
	Cgo      bool // needs a C compiler
	Data     Data
}

// Data are files of a module that a program reads when it runs; they are kept beside the programs.
type Data struct {
	Module string            // module path
	Files  map[string]string // name in the cache -> path in the module
}

// Servers lists what the lab is made of, the quick ones first.
func Servers() []Server {
	return append(ControlPlane(), RealNode()...)
}

// ControlPlane lists what every lab needs.
func ControlPlane() []Server {
	return []Server{
		{Module: "etcd", LDFlags: strip, Programs: map[string]string{"etcd": "go.etcd.io/etcd/server/v3"}},
		{Module: "kwok", LDFlags: strip, Programs: map[string]string{"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, Data: kwokStages()},
		// kubelet is only for the real node, but shares nearly all packages with the rest: one build is the quickest.
		{Module: "kubernetes", LDFlags: strip + kubernetesVersion, Programs: kubernetes("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")},
	}
}

// kwokStages are the rules by which kwok's nodes and pods live: without any it refuses to start.
func kwokStages() Data {
	const stage = "kustomize/stage/"
	return Data{Module: "sigs.k8s.io/kwok", Files: map[string]string{
		"node-initialize.yaml":           stage + "node/fast/node-initialize.yaml",
		"node-heartbeat-with-lease.yaml": stage + "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
		"pod-ready.yaml":                 stage + "pod/fast/pod-ready.yaml",
		"pod-complete.yaml":              stage + "pod/fast/pod-complete.yaml",
		"pod-delete.yaml":                stage + "pod/fast/pod-delete.yaml",
	}}
}

// RealNode lists what a real node needs beyond the control plane's modules.
func RealNode() []Server {
	const plugins, containerd = "github.com/containernetworking/plugins/plugins/", "github.com/containerd/containerd/v2/cmd/"
	return []Server{
		// libcontainer enters namespaces in C, before Go's runtime starts; containerd runs no pod without seccomp.
		{Module: "runc", LDFlags: strip, Tags: "seccomp", Cgo: true, Programs: map[string]string{"runc": "github.com/opencontainers/runc"}},
		{Module: "cni", LDFlags: strip, Programs: map[string]string{
			"bridge": plugins + "main/bridge", "loopback": plugins + "main/loopback", "host-local": plugins + "ipam/host-local",
		}},
		{Module: "containerd", LDFlags: strip, Tags: "no_btrfs,no_zfs,no_devmapper", Programs: map[string]string{
			"containerd": containerd + "containerd", "ctr": containerd + "ctr", "containerd-shim-runc-v2": containerd + "containerd-shim-runc-v2",
		}},
	}
}

const (
	strip = "-s -w"
	// Without these the servers call themselves v0.0.0 and refuse each other.
	kubernetesVersion = " -X k8s.io/component-base/version.gitVersion=v1.37.2" +
		" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"
)

func kubernetes(names ...string) map[string]string {
	programs := map[string]string{}
	for _, name := range names {
		programs[name] = "k8s.io/kubernetes/cmd/" + name
	}
	return programs
}
