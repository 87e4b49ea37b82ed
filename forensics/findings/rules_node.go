package findings

import "strings"

// nodeRules are of files by which a node is taken over from a pod, and of credentials.
func nodeRules() []Rule {
	return []Rule{
		{
			ID: "static-pod", Severity: Critical, Title: "A manifest that kubelet starts without asking the API server was written", Places: host(),
			Why: "Kubelet runs whatever lies in its manifest directory: no admission, no audit, and deleting the pod brings it back.",
			match: func(l *look) (string, bool) {
				return yes(l.put() && l.under("/etc/kubernetes/manifests/", "/etc/kubelet.d/", "/var/lib/rancher/k3s/agent/pod-manifests/", "/var/lib/rancher/k3s/server/manifests/",
					"/var/lib/rancher/rke2/agent/pod-manifests/", "/var/lib/rancher/rke2/server/manifests/", "/etc/kubernetes/static-pods/"))
			},
		},
		{
			ID: "kubelet", Severity: High, Title: "Kubelet's own settings or credentials were written", Places: host(),
			Why: "They decide who may give kubelet orders, and which manifests it runs. Kubelet itself renews its certificates under pki.",
			match: func(l *look) (string, bool) {
				files := l.is("/var/lib/kubelet/config.yaml", "/var/lib/kubelet/config.json", "/var/lib/kubelet/kubeconfig", "/var/lib/kubelet/kubeadm-flags.env",
					"/etc/default/kubelet", "/etc/sysconfig/kubelet", "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/admin.conf")
				return yes(l.put() && (files || l.under("/etc/kubernetes/kubelet", "/etc/kubernetes/pki/", "/etc/eks/", "/etc/rancher/")))
			},
		},
		{
			ID: "cni", Severity: High, Title: "A network plugin or its settings were written", Places: host(),
			Why: "The runtime starts the plugins as root for every pod.",
			match: func(l *look) (string, bool) {
				return yes(l.put() && l.under("/etc/cni/", "/opt/cni/", "/usr/libexec/cni/", "/var/lib/cni/bin/"))
			},
		},
		{
			ID: "runtime", Severity: High, Title: "A setting of the container runtime was written", Places: host(),
			Why: "It decides which program starts containers, which registries are believed, and who may talk to it.",
			match: func(l *look) (string, bool) {
				return yes(l.put() && (l.is("/etc/docker/daemon.json", "/etc/crictl.yaml") || l.under("/etc/containerd/", "/etc/crio/", "/etc/containers/", "/etc/nvidia-container-runtime/") ||
					strings.HasSuffix(l.Path, "/agent/etc/containerd/config.toml.tmpl")))
			},
		},
		{
			ID: "kubeconfig", Severity: Medium, Title: "Credentials for a cluster or a cloud were written", Places: anywhere(),
			Why: "A kubeconfig or cloud credentials in a container come from somewhere else.",
			match: func(l *look) (string, bool) {
				ends := []string{"/.kube/config", "/.aws/credentials", "/.config/gcloud/credentials.db", "/.azure/accessTokens.json", "/.docker/config.json"}
				for _, end := range ends {
					if strings.HasSuffix(l.Path, end) {
						return yes(l.put())
					}
				}
				return "", false
			},
		},
	}
}
