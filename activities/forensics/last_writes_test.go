package forensics_test

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/firebreak-ir/firebreak/activities/forensics"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const layer = "lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/42/fs"

// TestLastWrites commits an intrusion in a container's layer on a mounted disk, copies the disk as a snapshot does, and
// finds it although only the journal knows of it.
func TestLastWrites(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "lib/containerd"))
	writeFile(t, filepath.Join(source, layer, "etc/passwd"), []byte("root:x:0:0::/root:/bin/sh\n"))
	image := makeDisk(t, source)
	intrude(t, image)
	deps := forensics.Deps{Store: withImage(t, image)}
	out, err := run[forensics.LastWritesOutput](t, forensics.LastWrites(deps), call("last"), forensics.LastWritesInput{Image: imageName})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]forensics.Finding{}
	for _, f := range out.Findings {
		found[strings.TrimPrefix(f.Path, layer+"/")] = f
		t.Log(f.Severity, f.Sentence)
	}
	for path, severity := range map[string]string{
		"tmp/.x": "high", "tmp/rootshell": "critical", "etc/cron.d/job": "high", "etc/passwd": "high", "tmp/notes": "low", "var/log/auth.log": "high",
	} {
		if f := found[path]; f.Severity != severity || !strings.Contains(f.Sentence, `container "web" of pod "shop/web-1"`) {
			t.Errorf("%s: %+v, want %s", path, f, severity)
		}
	}
	if out.Findings[0].Severity != "critical" || out.Journal.Transactions == 0 || out.Total < len(found) || len(out.Warnings) != 0 {
		t.Errorf("%+v", out)
	}
	if f := found["tmp/.x"]; len(f.SHA256) != 64 || !f.Alone || !strings.Contains(f.Sentence, "journal alone") {
		t.Errorf("no hash, or not in the journal alone: %+v", f)
	}
}

// TestLastWritesThatReachedTheirPlace reads a disk whose journal is empty: the kernel may write everything to its place
// at any moment, also a second after the intruder was there.
func TestLastWritesThatReachedTheirPlace(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "lib/containerd"))
	writeFile(t, filepath.Join(source, layer, "tmp/.x"), append([]byte(elf.ELFMAG), make([]byte, 100)...))
	writeFile(t, filepath.Join(source, layer, "etc/hosts"), nil) // a runtime's mount point stands out in no container
	image := makeDisk(t, source)
	for name, test := range map[string]struct {
		since time.Time
		want  int
	}{"all": {time.Now().Add(-time.Hour), 1}, "none": {time.Now().Add(time.Hour), 0}, "journal": {time.Time{}, 0}} {
		in := forensics.LastWritesInput{Image: imageName, Since: test.since}
		deps := forensics.Deps{Store: withImage(t, image)} // evidence is written once: a case each
		out, err := run[forensics.LastWritesOutput](t, forensics.LastWrites(deps), call(name), in)
		if err != nil || len(out.Findings) != test.want || out.Alone != 0 {
			t.Errorf("%s: %v, %+v", name, err, out)
			continue
		}
		if test.want > 0 && (out.Findings[0].Severity != "high" || len(out.Findings[0].SHA256) != 64 || strings.Contains(out.Findings[0].Sentence, "journal")) {
			t.Errorf("%s: %+v", name, out.Findings)
		}
	}
}

// intrude mounts the image, writes, and puts in the image's place the copy that was taken while it was mounted.
func intrude(t *testing.T, image string) {
	t.Helper()
	if os.Getuid() != 0 {
		labenv.LeaveOut(t, "loop mounts need root")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "ext4", "-o", "loop", image, dir).CombinedOutput(); err != nil {
		labenv.LeaveOut(t, "this machine cannot loop-mount ext4: %v: %s", err, out)
	}
	root := filepath.Join(dir, layer)
	program := append([]byte(elf.ELFMAG), make([]byte, 5000)...)
	synced(t, filepath.Join(root, "tmp/.x"), program, 0o755)
	synced(t, filepath.Join(root, "tmp/rootshell"), program, 0o4755)
	synced(t, filepath.Join(root, "etc/cron.d/job"), []byte("* * * * * root /tmp/.x\n"), 0o644)
	synced(t, filepath.Join(root, "etc/passwd"), []byte("root:x:0:0::/root:/bin/sh\neve::0:0::/:/bin/sh\n"), 0o644)
	makeLog := exec.Command("sh", "-c", "mkdir -p var/log && mknod var/log/auth.log c 0 0")
	makeLog.Dir = root
	if out, err := makeLog.CombinedOutput(); err != nil {
		t.Errorf("whiteout: %v: %s", err, out)
	}
	synced(t, filepath.Join(root, "tmp/notes"), []byte("notes"), 0o600)
	copied := image + ".copy"
	steady(t, image, copied)
	if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
		t.Fatalf("umount: %v: %s", err, out)
	}
	if err := os.Rename(copied, image); err != nil {
		t.Fatal(err)
	}
}

// steady copies a mounted disk. The kernel may write while cp reads, so the copy has to agree with the disk afterwards.
func steady(t *testing.T, image, copied string) {
	t.Helper()
	for range 20 {
		if out, err := exec.Command("cp", "--sparse=always", image, copied).CombinedOutput(); err != nil {
			t.Errorf("cp: %v: %s", err, out)
		}
		if exec.Command("cmp", "-s", image, copied).Run() == nil {
			return
		}
	}
	t.Errorf("%s does not stand still", image)
}

func synced(t *testing.T, name string, content []byte, mode uint32) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	f, openErr := os.Create(name)
	if err := errors.Join(err, openErr); err != nil {
		t.Error(err)
		return
	}
	_, err = f.Write(content)
	perm := os.FileMode(mode & 0o777)
	if mode&0o4000 != 0 {
		perm |= os.ModeSetuid
	}
	if err := errors.Join(err, f.Chmod(perm), f.Sync(), f.Close()); err != nil {
		t.Error(err)
	}
}

// containerdStore writes the two databases as containerd lays them out, with one Kubernetes container.
func containerdStore(t *testing.T, store string) {
	t.Helper()
	writeDB(t, filepath.Join(store, "io.containerd.metadata.v1.bolt/meta.db"), func(put func(value string, path ...string)) {
		at := []string{"v1", "k8s.io", "containers", "bbbb"}
		stamp, _ := time.Unix(1700000100, 0).UTC().MarshalBinary()
		put(string(stamp), append(at, "createdat")...)
		put("shop/web:1", append(at, "image")...)
		put("bbbb", append(at, "snapshotKey")...)
		for k, v := range map[string]string{"pod.name": "web-1", "pod.namespace": "shop", "container.name": "web"} {
			put(v, append(at, "labels", "io.kubernetes."+k)...)
		}
		put("k8s.io/7/bbbb", "v1", "k8s.io", "snapshots", "overlayfs", "bbbb", "name")
	})
	writeDB(t, filepath.Join(store, "io.containerd.snapshotter.v1.overlayfs/metadata.db"), func(put func(string, ...string)) {
		put(string(binary.AppendUvarint(nil, 42)), "v1", "snapshots", "k8s.io/7/bbbb", "id")
	})
	writeFile(t, filepath.Join(store, "io.containerd.grpc.v1.cri/containers/bbbb/status"), fmt.Appendf(nil, `{"Version":"v1","StartedAt":%d}`, int64(1700000101e9)))
}

func writeDB(t *testing.T, name string, fill func(put func(value string, path ...string))) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(name, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		var errs []error
		fill(func(value string, path ...string) {
			b, err := tx.CreateBucketIfNotExists([]byte(path[0]))
			for _, name := range path[1 : len(path)-1] {
				if err == nil {
					b, err = b.CreateBucketIfNotExists([]byte(name))
				}
			}
			if err == nil {
				err = b.Put([]byte(path[len(path)-1]), []byte(value))
			}
			errs = append(errs, err)
		})
		return errors.Join(errs...)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
