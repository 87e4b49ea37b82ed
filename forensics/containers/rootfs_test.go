package containers_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// sameAsKernel holds each container's merged file system against the kernel's mount of the same layers. It gives how many
// containers and entries were equal.
func sameAsKernel(t *testing.T, imageFile string) (count, entries int) {
	t.Helper()
	disk := open(t, imageFile)
	recovered := imageFile + ".recovered"
	kerneltest.Run(t, "cp", "--sparse=always", imageFile, recovered)
	_, unmount := kerneltest.Mount(t, "ext4", recovered, "rw,noatime")
	unmount()
	root, _ := kerneltest.Mount(t, "ext4", recovered, "ro,noatime")
	for _, c := range list(t, disk).Containers {
		if len(c.Layers) < 2 {
			continue
		}
		view, problems := containers.Rootfs(disk, c)
		if view == nil {
			t.Errorf("%s: %q", c.ID, problems)
			continue
		}
		count++
		entries += kerneltest.CompareWith(t, view, merged(t, root, c.Layers), kerneltest.Options{Forget: func(_ string, e *kerneltest.Entry) {
			e.Stat.Inode, e.Stat.Generation = 0, 0
		}})
	}
	return count, entries
}

func open(t *testing.T, imageFile string) *ext4.FS {
	t.Helper()
	f, err := os.Open(imageFile)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	must(t, err)
	disk, err := ext4.Open(f, info.Size(), ext4.Options{})
	must(t, err)
	return disk
}

// merged lets the kernel merge layers, the lowest first.
func merged(t *testing.T, root string, layers []string) string {
	t.Helper()
	dir := t.TempDir()
	var lower []string
	for _, l := range slices.Backward(layers) {
		lower = append(lower, l)
	}
	here, err := os.Getwd()
	must(t, err)
	t.Chdir(root) // the kernel takes one page of options
	err = unix.Mount("overlay", dir, "overlay", unix.MS_RDONLY, "metacopy=on,redirect_dir=on,lowerdir="+strings.Join(lower, ":"))
	t.Chdir(here)
	if err != nil {
		labenv.LeaveOut(t, "this machine cannot mount overlayfs: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	return dir
}

// TestRootfsIsTheKernels merges the containers that a real dockerd and a real containerd left.
func TestRootfsIsTheKernels(t *testing.T) {
	source := t.TempDir()
	whole(t, dockerFixture, filepath.Join(source, "var/lib/docker"))
	whole(t, containerdFixture, filepath.Join(source, "var/lib/containerd"))
	count, entries := sameAsKernel(t, imageFile(t, source))
	if count != 5 || entries < 80 {
		t.Errorf("%d containers, %d entries are equal", count, entries)
	}
}

// TestRealNode reads the disk of the lab's real node while its containers run: every container of the node has its
// layers, merged as the kernel merges them, its pod, its node and its log.
func TestRealNode(t *testing.T) {
	lab := labenv.Load(t)
	i := slices.IndexFunc(lab.Nodes, func(n labenv.Node) bool { return n.Real })
	if i < 0 {
		labenv.LeaveOut(t, "this lab has no real node")
	}
	copied := filepath.Join(t.TempDir(), "node.img")
	var l containers.Listing
	for range 5 { // the node writes while it is copied: in one copy of several the databases may be torn
		kerneltest.Run(t, "cp", "--sparse=always", lab.Nodes[i].Image, copied)
		if l = list(t, open(t, copied)); len(l.Problems) == 0 {
			break
		}
	}
	if count, entries := sameAsKernel(t, copied); count < 4 || entries < 200 || len(l.Problems) > 0 {
		t.Errorf("%d containers, %d entries are equal, problems %q", count, entries, l.Problems)
	}
	pods := map[string]containers.Pod{}
	for _, p := range l.Pods {
		pods[p.UID] = p
	}
	for _, c := range l.Containers {
		if c.Namespace != "k8s.io" || c.Deleted || c.Sandbox {
			continue
		}
		p := pods[c.PodUID]
		if c.Node == "" || c.Name == "" || c.Pod == "" || c.SandboxID == "" || !strings.HasPrefix(c.ImageDigest, "sha256:") || p.Name != c.Pod || !p.Known || len(p.Logs) == 0 {
			t.Errorf("%+v of %+v", c, p)
		}
	}
}
