package realnode

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/firebreak-ir/firebreak/lab/realnode/ociimage"
)

//go:embed files
var files embed.FS

// writeFiles writes what the node sees as /run/node.
func (n *node) writeFiles(context.Context) error {
	for _, dir := range []string{"etc/cni", "run"} {
		if err := os.MkdirAll(filepath.Join(n.dir, dir), 0o700); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{
		"init.sh": "init.sh", "containerd.toml": "etc/containerd.toml", "kubelet.yaml": "etc/kubelet.yaml", "cni.json": "etc/cni/10-lab.conflist",
	} {
		if err := n.render(from, to); err != nil {
			return fmt.Errorf("write %q: %w", to, err)
		}
	}
	return errors.Join(n.writeKubeconfig(), n.copyClientCA(), n.writeImages())
}

func (n *node) render(from, to string) error {
	text, err := template.New(from).Option("missingkey=error").ParseFS(files, "files/"+from)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	err = text.Execute(&out, map[string]string{
		"Pause": ociimage.PauseName, "Unique": n.unique, "ProviderID": n.ProviderID, "Runc": n.runc,
		"Address": n.subnet.gateway().String(), "Subnet": n.subnet.String(), "FirstPod": n.subnet.firstPod().String(),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(n.dir, to), out.Bytes(), 0o600)
}

// writeKubeconfig copies the kubeconfig with the files that it names in it: the node does not see them.
func (n *node) writeKubeconfig() error {
	config, err := clientcmd.LoadFromFile(n.Kubeconfig)
	if err != nil {
		return err
	}
	if err := errors.Join(clientcmd.ResolveLocalPaths(config), clientcmdapi.FlattenConfig(config)); err != nil {
		return fmt.Errorf("read kubeconfig %q: %w", n.Kubeconfig, err)
	}
	return clientcmd.WriteToFile(*config, filepath.Join(n.dir, "etc", "kubeconfig"))
}

func (n *node) copyClientCA() error {
	raw, err := os.ReadFile(n.ClientCA)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(n.dir, "etc", "client-ca.crt"), raw, 0o600)
}

func (n *node) writeImages() error {
	busybox, err := ociimage.ReadBusybox()
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(n.dir, "etc", "images.tar"))
	if err != nil {
		return err
	}
	created := time.Date(2026, time.January, 5, 9, 30, 0, 0, time.UTC) // fixed, so that an image keeps its digest
	return errors.Join(ociimage.Write(file, created, ociimage.Pause(busybox), ociimage.Web(busybox), ociimage.Probe(busybox)), file.Close())
}
