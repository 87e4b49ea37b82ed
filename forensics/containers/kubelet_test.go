package containers_test

import (
	"archive/tar"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/containers"
)

func writeAt(t testing.TB, source, name, content string) {
	t.Helper()
	name = filepath.Join(source, name)
	must(t, errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o600)))
}

func token(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2lnbmF0dXJl\n"
}

const podUID = "0d9c1f0e-3b1c-4d5e-8f00-000000000001"

// kubeletDirs makes what a kubelet keeps of a pod that no runtime knows, and of one that it does.
func kubeletDirs(t testing.TB, source string) {
	t.Helper()
	pod := "var/lib/kubelet/pods/" + podUID
	claims := `{"sub":"system:serviceaccount:shop:robot","kubernetes.io":{"namespace":"shop","node":{"name":"node-7"},"pod":{"name":"web-1","uid":"` + podUID + `"},"serviceaccount":{"name":"robot"}}}`
	writeAt(t, source, pod+"/volumes/kubernetes.io~projected/kube-api-access-x/..2026_11_25/token", token(claims))
	at := filepath.Join(source, pod, "volumes/kubernetes.io~projected/kube-api-access-x")
	must(t, errors.Join(os.Symlink("..2026_11_25", filepath.Join(at, "..data")), os.Symlink("..data/token", filepath.Join(at, "token"))))
	writeAt(t, source, pod+"/volumes/kubernetes.io~empty-dir/scratch/miner", "\x7fELF")
	writeAt(t, source, pod+"/etc-hosts", "127.0.0.1 localhost\n")
	writeAt(t, source, pod+"/containers/web/0a1b2c3d", "")
	logs := "var/log/pods/shop_web-1_" + podUID
	writeAt(t, source, logs+"/web/0.log", "2026-11-25T13:00:00Z stdout F hello\n")
	writeAt(t, source, logs+"/web/0.log.20261125-130000.gz", "\x1f\x8b")
	writeAt(t, source, logs+"/web/1.log", "")
	writeAt(t, source, logs+"/init-db/0.log", "")
	must(t, os.MkdirAll(filepath.Join(source, "var/log/containers"), 0o755))
	id := strings.Repeat("ab", 32)
	must(t, os.Symlink("/var/log/pods/x", filepath.Join(source, "var/log/containers/web-1_shop_web-"+id+".log")))
}

// TestKubelet reads the directories of a pod that no runtime knows any more.
func TestKubelet(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	kubeletDirs(t, source)
	containerdStore(t, filepath.Join(source, "var/lib/containerd"))
	l := list(t, image(t, source))
	if len(l.Pods) != 1 || len(l.Problems) != 0 {
		t.Fatalf("%+v, problems %q", l.Pods, l.Problems)
	}
	p := l.Pods[0]
	if p.UID != podUID || p.Name != "web-1" || p.Namespace != "shop" || p.ServiceAccount != "robot" || p.Node != "node-7" || p.Known || len(p.Logs) != 4 || p.Hosts == "" {
		t.Errorf("%+v", p)
	}
	if got := p.EmptyDirs(); len(got) != 1 || !strings.HasSuffix(got[0], "/kubernetes.io~empty-dir/scratch") {
		t.Errorf("emptyDir volumes: %q", got)
	}
	if !slices.Equal(p.Containers, []string{"init-db", "web"}) {
		t.Errorf("containers %q", p.Containers)
	}
	var gone []string
	for _, c := range l.Containers {
		if c.Deleted {
			gone = append(gone, c.Name+" "+c.ID+" "+c.ServiceAccount+" "+c.Runtime)
			if c.Recovered || c.Node != "node-7" || c.Log == "" {
				t.Errorf("%+v", c)
			}
		}
	}
	if want := []string{"init-db  robot containerd", "web " + strings.Repeat("ab", 32) + " robot containerd"}; !slices.Equal(gone, want) {
		t.Errorf("deleted: %q, not %q", gone, want)
	}
}

// TestHostileKubelet has links, pipes and foreign tokens where the kubelet's files belong. Nothing outside is read.
func TestHostileKubelet(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	pod := "var/lib/kubelet/pods/" + podUID
	writeAt(t, source, pod+"/volumes/kubernetes.io~secret/a/token", token(`{"kubernetes.io":{"pod":{"uid":"another"},"serviceaccount":{"name":"admin"}}}`))
	writeAt(t, source, pod+"/volumes/kubernetes.io~secret/b/token", "no token")
	writeAt(t, source, pod+"/volumes/kubernetes.io~secret/c/token", token(`{"sub":"system:serviceaccount:shop:legacy"}`))
	must(t, os.MkdirAll(filepath.Join(source, pod, "volumes/kubernetes.io~projected/d"), 0o755))
	must(t, os.Symlink("/etc/shadow", filepath.Join(source, pod, "volumes/kubernetes.io~projected/d/token")))
	must(t, os.Symlink("/var/lib", filepath.Join(source, "var/lib/kubelet/pods/link")))
	writeAt(t, source, "var/log/pods/no-pod/0.log", "")
	writeAt(t, source, "var/log/pods/a_b_c/web\n\x1b[31m/0.log", "")
	l := list(t, image(t, source))
	if len(l.Pods) != 2 || l.Pods[0].ServiceAccount != "legacy" {
		t.Errorf("%+v", l.Pods)
	}
	said := strings.Join(l.Problems, "\n")
	for _, want := range []string{`token is of pod "another"`, "no token of three parts", "link: L", "not named NAMESPACE_POD_UID"} {
		if !strings.Contains(said, want) {
			t.Errorf("no word of %q in:\n%s", want, said)
		}
	}
}

// TestNodeName reads the node's name from the kubelet's certificate, its kubeconfig, or the host's name.
func TestNodeName(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(source string){
		"certificate": func(source string) {
			writeAt(t, source, "var/lib/kubelet/pki/kubelet-client-2026.pem", certificate(t, "system:node:node-9"))
			must(t, os.Symlink("/var/lib/kubelet/pki/kubelet-client-2026.pem", filepath.Join(source, "var/lib/kubelet/pki/kubelet-client-current.pem")))
		},
		"kubeconfig": func(source string) {
			writeAt(t, source, "etc/kubernetes/kubelet.conf", "users:\n- name: system:node:node-9\n")
		},
		"host": func(source string) { writeAt(t, source, "etc/hostname", "Node-9\n") },
	} {
		source := t.TempDir()
		must(t, os.MkdirAll(filepath.Join(source, "var/lib/kubelet"), 0o755))
		fill(source)
		if l := list(t, image(t, source)); l.Node != "node-9" {
			t.Errorf("%s: node %q", name, l.Node)
		}
	}
}

func certificate(t testing.TB, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"system:nodes"}}, NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

// checkpointTar makes an archive laid out as the kubelet's checkpoints are. It is made by this test: no runtime wrote it.
func checkpointTar(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range files {
			if !yield(n) {
				return
			}
		}
	}) {
		must(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(files[name]))}))
		_, err := w.Write([]byte(files[name]))
		must(t, err)
	}
	must(t, w.Close())
	return b.String()
}

const (
	configDump = `{"id":"c1d2","name":"k8s_web_web-1","rootfsImageName":"shop/web:1","runtime":"runc","createdTime":"2026-11-25T12:00:00Z","checkpointedTime":"2026-11-25T13:00:00Z"}`
	specDump   = `{"annotations":{"io.kubernetes.cri.container-name":"web","io.kubernetes.cri.sandbox-name":"web-1","io.kubernetes.cri.sandbox-namespace":"shop","io.kubernetes.cri.sandbox-uid":"u1"}}`
)

// TestCheckpoints reads checkpoints and says what of damaged ones is wrong.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	dir := "var/lib/kubelet/checkpoints/"
	sound := checkpointTar(t, map[string]string{"config.dump": configDump, "spec.dump": specDump, "checkpoint/pages-1.img": strings.Repeat("m", 9000), "rootfs-diff.tar": "x"})
	writeAt(t, source, dir+"checkpoint-web-1_shop-web-2026.tar", sound)
	writeAt(t, source, dir+"cut.tar", sound[:700])
	writeAt(t, source, dir+"wrong.tar", checkpointTar(t, map[string]string{"config.dump": "{"}))
	writeAt(t, source, dir+"notes.txt", "")
	must(t, os.Symlink("/dev/zero", filepath.Join(source, dir, "link.tar")))
	l := list(t, image(t, source))
	if len(l.Checkpoints) != 4 || len(l.Problems) != 3 {
		t.Fatalf("%d checkpoints, problems %q", len(l.Checkpoints), l.Problems)
	}
	want := containers.Checkpoint{
		Path: dir + "checkpoint-web-1_shop-web-2026.tar", Size: int64(len(sound)), Modified: l.Checkpoints[0].Modified, ContainerID: "c1d2", Container: "web", Pod: "web-1",
		PodNamespace: "shop", PodUID: "u1", Image: "shop/web:1", Runtime: "runc", Created: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
		Checkpointed: time.Date(2026, 11, 25, 13, 0, 0, 0, time.UTC), Memory: 9000, Changes: true,
	}
	if l.Checkpoints[0] != want {
		t.Errorf("%+v, not %+v", l.Checkpoints[0], want)
	}
}
