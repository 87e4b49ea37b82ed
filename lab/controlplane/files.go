package controlplane

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/firebreak-ir/firebreak/lab/build"
)

//go:embed files
var files embed.FS

// stages names kwok's rules, as the build keeps them.
func stages() []string {
	return []string{"node-initialize.yaml", "node-heartbeat-with-lease.yaml", "pod-ready.yaml", "pod-complete.yaml", "pod-delete.yaml"}
}

func kwokConfigs(binaries build.Binaries) []string {
	var paths []string
	for _, name := range stages() {
		paths = append(paths, binaries.Data(name))
	}
	return append(paths, "kwok.yaml")
}

// writeFiles writes what the servers read: the audit policy, kwok's own configuration, and the text that kwok's pods
// have for a log.
func (p ControlPlane) writeFiles() error {
	var failed []error
	for _, name := range []string{"audit-policy.yaml", "kwok.yaml", "pod.log"} {
		raw, err := files.ReadFile("files/" + name)
		failed = append(failed, err, os.WriteFile(p.file(name), raw, 0o600))
	}
	return errors.Join(failed...)
}

// writeKubeconfig writes a kubeconfig that carries the named certificate in itself, so that it can be copied away.
func (p ControlPlane) writeKubeconfig(name string) error {
	cert, certErr := os.ReadFile(p.file(name + ".crt"))
	key, keyErr := os.ReadFile(p.file(name + ".key"))
	if err := errors.Join(certErr, keyErr); err != nil {
		return fmt.Errorf("write kubeconfig %q: %w", name, err)
	}
	return p.writeUser(name, &api.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}, "default")
}

func (p ControlPlane) writeUser(name string, user *api.AuthInfo, namespace string) error {
	ca, err := os.ReadFile(p.CA)
	if err != nil {
		return fmt.Errorf("write kubeconfig %q: %w", name, err)
	}
	config := api.NewConfig()
	config.Clusters["lab"] = &api.Cluster{Server: p.Server, CertificateAuthorityData: ca}
	config.AuthInfos[name] = user
	config.Contexts["lab"] = &api.Context{Cluster: "lab", AuthInfo: name, Namespace: namespace}
	config.CurrentContext = "lab"
	raw, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("write kubeconfig %q: %w", name, err)
	}
	return replaceFile(p.file(name+".kubeconfig"), raw)
}

// replaceFile never shows a half-written file to a reader.
func replaceFile(path string, raw []byte) error {
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.WriteFile(next, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
