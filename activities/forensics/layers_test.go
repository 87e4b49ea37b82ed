package forensics_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities/forensics"
)

const snapshots = "lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/"

// put writes a program that was last modified at that time.
func put(t *testing.T, root, name string, modified time.Time) {
	t.Helper()
	name = filepath.Join(root, name)
	writeFile(t, name, []byte(elf.ELFMAG+"\x02"))
	if err := os.Chtimes(name, modified, modified); err != nil {
		t.Fatal(err)
	}
}

// torn makes a page of a database unreadable.
func torn(t *testing.T, name string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for at := 2 * page; at < len(raw); at += page { // behind the two meta pages; some of the others are free
		copy(raw[at:], bytes.Repeat([]byte{0xFF}, 64))
	}
	writeFile(t, name, raw)
}

// TestLayersOfNoContainer judges what was written in layers that no container owns: the database that says which
// containers there are is damaged, one container of containerd was deleted, and one of Docker has lost its mount-id. The
// files of an image that was just unpacked do not stand out.
func TestLayersOfNoContainer(t *testing.T) {
	source, now, image := t.TempDir(), time.Now().Add(time.Minute), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	containerdStore(t, filepath.Join(source, "lib/containerd"))
	torn(t, filepath.Join(source, "lib/containerd/io.containerd.metadata.v1.bolt/meta.db"))
	writeFile(t, filepath.Join(source, "lib/docker/containers/cccc/config.v2.json"), []byte(`{"ID":"cccc","Driver":"overlay2"}`))
	want := []string{layer + "/tmp/.x", snapshots + "43/fs/tmp/.y", snapshots + "44/fs/usr/bin/old", "lib/docker/overlay2/dddd/diff/tmp/.z"}
	put(t, source, want[0], now)
	put(t, source, want[1], now)
	put(t, source, want[2], image) // its writer has set its time back
	put(t, source, want[3], now)
	for _, name := range []string{"etc/passwd", "etc/cron.d/daily", "usr/bin/bash"} {
		put(t, source, snapshots+"45/fs/"+name, image)
		put(t, source, "lib/docker/overlay2/eeee/diff/"+name, image)
	}
	disk := makeDisk(t, source)
	debugfs(t, disk, fmt.Sprintf("set_inode_field %s44/fs crtime @%d", snapshots, time.Now().Add(-2*time.Hour).Unix()))
	out, _ := lastWrites(t, forensics.Deps{Store: withImage(t, disk)})
	found := map[string]forensics.Finding{}
	for _, f := range out.Findings {
		found[f.Path] = f
	}
	for _, name := range want {
		if f := found[name]; f.Severity != "high" || !strings.Contains(f.Sentence, "which no container owns") {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if len(found) != len(want) || !strings.Contains(out.Summary, "6 files of unpacked images or removed layers not judged") {
		t.Errorf("%q, %+v", out.Summary, found)
	}
	if said := strings.Join(out.Warnings, "\n"); !strings.Contains(said, "/lib/containerd/io.containerd.metadata.v1.bolt/meta.db: ") {
		t.Errorf("%q", said)
	}
}

// TestNoLayers judges files of the node whose paths only look like a store's, and those in a store that no runtime made.
func TestNoLayers(t *testing.T) {
	source, image := t.TempDir(), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	want := map[string]string{"etc/docker/daemon.json": "medium"}
	for _, name := range []string{
		"tmp/docker/xmrig", "opt/x/overlay2/miner", "opt/snapshots/7/fs/miner", "home/io.containerd.x/miner", "tmp/y/overlay2/a/diff/xmrig",
	} {
		put(t, source, name, image)
		want[name] = "high"
	}
	writeFile(t, filepath.Join(source, "etc/docker/daemon.json"), []byte("{}"))
	writeFile(t, filepath.Join(source, "tmp/y/containers/cccc/config.v2.json"), []byte(`{"ID":"cccc"}`))
	if err := os.Chown(filepath.Join(source, "tmp/y"), 1000, 1000); err != nil && os.Getuid() == 0 {
		t.Fatal(err)
	}
	_, raw := lastWrites(t, forensics.Deps{Store: withImage(t, makeDisk(t, source))})
	found := byPath(t, raw)
	for name, severity := range want {
		if f := found[name]; f.Severity != severity || f.Inside != "" {
			t.Errorf("%s: %+v, want %s", name, f, severity)
		}
	}
}

// TestRemovedLayer does not take a layer that its runtime has removed for files that somebody has deleted.
func TestRemovedLayer(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "lib/containerd"))
	writeFile(t, filepath.Join(source, snapshots, "4343/fs/var/log/auth.log"), []byte("x"))
	writeFile(t, filepath.Join(source, snapshots, "44/fs/var/log/auth.log"), []byte("x"))
	image := makeDisk(t, source)
	journalled(t, image, strings.TrimSuffix(snapshots, "/"), func(block []byte) {
		binary.LittleEndian.PutUint32(block[bytes.Index(block, []byte("4343"))-8:], 0)
	})
	out, found := journalWrites(t, image)
	if f := found[snapshots+"4343/fs/var/log/auth.log"]; f.Change != "deleted" || f.Severity != "" || len(out.Findings) != 0 {
		t.Errorf("%+v, %+v", f, out)
	}
	if !strings.Contains(out.Summary, "1 file of unpacked images or removed layers not judged") {
		t.Errorf("%q", out.Summary)
	}
}
