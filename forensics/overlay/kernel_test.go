package overlay_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// made is an image whose directories are layers.
type made struct {
	t      testing.TB
	kind   string // of file system
	image  string
	layers []string // lowest first
	root   string   // where the image is mounted while it is filled

	unmount func()
}

// newImage makes an image with empty layers and mounts it.
func newImage(t testing.TB, layers ...string) *made {
	t.Helper()
	return newImageOf(t, "ext4", layers...)
}

func newImageOf(t testing.TB, kind string, layers ...string) *made {
	t.Helper()
	labenv.NeedTool(t, "mkfs."+kind, "apt-get install e2fsprogs xfsprogs")
	m := &made{t: t, kind: kind, layers: layers, image: filepath.Join(t.TempDir(), "layers.img")}
	file, err := os.Create(m.image)
	m.must(err)
	m.must(errors.Join(file.Truncate(map[string]int64{"ext4": 32 << 20, "xfs": 300 << 20}[kind]), file.Close()))
	kerneltest.Run(t, "mkfs."+kind, "-q", m.image)
	m.root, m.unmount = kerneltest.Mount(t, kind, m.image, "rw,noatime")
	for _, l := range layers {
		m.dir(l)
	}
	return m
}

func (m *made) at(name string) string { return filepath.Join(m.root, name) }

func (m *made) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *made) dir(name string) {
	m.t.Helper()
	m.must(os.MkdirAll(m.at(name), 0o755))
}

// files writes files that hold their own names.
func (m *made) files(names ...string) {
	m.t.Helper()
	for _, n := range names {
		m.dir(filepath.Dir(n))
		m.must(os.WriteFile(m.at(n), []byte(n), 0o640))
	}
}

func (m *made) mark(name, key, value string) {
	m.t.Helper()
	m.must(unix.Lsetxattr(m.at(name), key, []byte(value), 0))
}

func (m *made) whiteout(name string) {
	m.t.Helper()
	m.dir(filepath.Dir(name))
	m.must(unix.Mknod(m.at(name), unix.S_IFCHR, 0))
}

func (m *made) emptyWhiteout(name, key string) {
	m.t.Helper()
	m.dir(filepath.Dir(name))
	m.must(os.WriteFile(m.at(name), nil, 0o600))
	m.mark(name, key, "y")
}

// mount lets the kernel merge layers; the last is the upper one, unless it has no name.
func mount(t testing.TB, root string, layers []string, flags uintptr, options string) (dir string, unmount func()) {
	t.Helper()
	dir = t.TempDir()
	var lower []string
	for i := len(layers) - 2; i >= 0; i-- {
		lower = append(lower, filepath.Join(root, layers[i]))
	}
	top := layers[len(layers)-1]
	options += ",lowerdir=" + strings.Join(lower, ":")
	if top != "" {
		work := filepath.Join(root, "work-"+top)
		if err := os.MkdirAll(work, 0o700); err != nil {
			t.Fatal(err)
		}
		options += ",upperdir=" + filepath.Join(root, top) + ",workdir=" + work
	}
	if err := unix.Mount("overlay", dir, "overlay", flags, options); err != nil {
		labenv.LeaveOut(t, "this machine cannot mount overlayfs with %q: %v", options, err)
	}
	done := false
	unmount = func() {
		if done {
			return
		}
		done = true
		err := unix.Unmount(dir, 0)
		for n := 0; n < 50 && errors.Is(err, unix.EBUSY); n++ { // a process that another test forked holds it for a moment
			time.Sleep(100 * time.Millisecond)
			err = unix.Unmount(dir, 0)
		}
		if err != nil {
			t.Errorf("unmount the overlay: %v", err)
		}
	}
	t.Cleanup(unmount)
	return dir, unmount
}

// work lets the kernel change the merged view up to the named layer, which takes the changes.
func (m *made) work(top int, do func(dir string) error) {
	m.t.Helper()
	dir, unmount := mount(m.t, m.root, m.layers[:top+1], unix.MS_NOATIME, "metacopy=on,redirect_dir=on")
	m.must(do(dir))
	unmount()
}

// sealed unmounts the image and opens it with our own reader.
func (m *made) sealed() volume.Tree {
	m.t.Helper()
	m.unmount()
	f, err := os.Open(m.image)
	m.must(err)
	m.t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	m.must(err)
	var disk volume.Tree
	if m.kind == "xfs" {
		disk, err = xfs.Open(f, info.Size(), xfs.Options{})
	} else {
		disk, err = ext4.Open(f, info.Size(), ext4.Options{})
	}
	m.must(err)
	return disk
}

func (m *made) open(disk volume.Tree, opts ...overlay.Option) *overlay.FS {
	m.t.Helper()
	var layers []overlay.Layer
	for _, l := range m.layers {
		layers = append(layers, overlay.Layer{Tree: disk, Root: l})
	}
	view, err := overlay.Open(layers, opts...)
	m.must(err)
	return view
}

// compare holds our view against the kernel's of a copy of the image.
//
// Where the kernel has an upper layer it writes into it, even in a read-only mount, and refuses a lower directory that
// shows at two places; so made layers are all mounted as lower ones.
func (m *made) compare(view *overlay.FS, upper bool, options string, damaged bool) int {
	m.t.Helper()
	copied := kerneltest.CrashCopy(m.t, m.image)
	how := "rw,noatime"
	if m.kind == "xfs" { // several copies at once
		how += ",nouuid"
	}
	root, _ := kerneltest.Mount(m.t, m.kind, copied, how)
	layers := m.layers
	if !upper {
		layers = append(slices.Clone(layers), "")
	}
	dir, _ := mount(m.t, root, layers, unix.MS_NOATIME|unix.MS_RDONLY, options)
	return kerneltest.CompareWith(m.t, view, dir, kerneltest.Options{Damaged: damaged, Forget: func(_ string, e *kerneltest.Entry) {
		e.Stat.Inode, e.Stat.Generation = 0, 0
	}})
}

// history is what a container's processes do over several layers. The kernel writes every mark itself.
func history(t *testing.T, kind string) *made {
	m := newImageOf(t, kind, "base", "app", "config", "up")
	for _, d := range []string{"etc", "usr/bin", "usr/lib/deep/er", "srv/data", "var/log", "old"} {
		m.files("base/"+d+"/one", "base/"+d+"/two", "base/"+d+"/three")
	}
	m.must(os.Symlink("/etc/one", m.at("base/link")))
	m.must(os.Link(m.at("base/etc/one"), m.at("base/etc/hard")))
	m.must(unix.Mknod(m.at("base/pipe"), unix.S_IFIFO|0o600, 0))
	m.must(unix.Mknod(m.at("base/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	m.must(os.WriteFile(m.at("base/usr/bin/large"), []byte(strings.Repeat("large", 100_000)), 0o755))
	m.mark("base/usr/bin/large", "user.note", "kept")
	m.mark("base/usr/bin/large", "user.empty", "")
	m.work(1, func(d string) error {
		return errors.Join(
			os.Rename(d+"/usr/lib/deep", d+"/usr/lib/moved"),
			os.Chmod(d+"/usr/bin/large", 0o4755|os.ModeSetuid),
			os.Chown(d+"/etc/two", 7, 8),
			os.Remove(d+"/var/log/one"),
			os.WriteFile(d+"/var/log/two", []byte("changed"), 0o600),
			os.RemoveAll(d+"/srv"),
			os.MkdirAll(d+"/srv/data", 0o700),
			os.WriteFile(d+"/srv/data/new", []byte("new"), 0o600),
		)
	})
	m.work(2, func(d string) error {
		return errors.Join(
			os.Rename(d+"/usr/lib", d+"/library"),
			os.Rename(d+"/usr/bin/large", d+"/etc/large"),
			os.Rename(d+"/etc/two", d+"/etc/second"),
			os.RemoveAll(d+"/old"),
			os.WriteFile(d+"/old", []byte("a file now"), 0o600),
			unix.Setxattr(d+"/etc", "trusted.overlay.opaque", []byte("y"), 0), // of an overlay inside this one
		)
	})
	m.work(3, func(d string) error {
		return errors.Join(
			os.Rename(d+"/library/moved", d+"/srv/deeper"),
			os.Chmod(d+"/etc/large", 0o700),
			os.Chmod(d+"/etc/second", 0o600),
			os.Rename(d+"/etc", d+"/etcetera"),
			os.Mkdir(d+"/etc", 0o755),
			os.Remove(d+"/old"),
			os.Mkdir(d+"/old", 0o711),
			os.WriteFile(d+"/old/dropped", []byte("\x7fELF"), 0o755),
			os.Chmod(d+"/usr", 0o500),
			os.Remove(d+"/link"),
		)
	})
	return m
}

// TestKernelsOwnMarks compares every entry and every byte of a view whose layers the kernel's own overlayfs wrote: copies
// up, of metadata alone, too, renamed directories in chains, deletions and replaced directories.
func TestKernelsOwnMarks(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ext4", "xfs"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			kernelsOwnMarks(t, history(t, kind))
		})
	}
}

func kernelsOwnMarks(t *testing.T, m *made) {
	t.Helper()
	disk := m.sealed()
	view := m.open(disk)
	if n := m.compare(view, true, "metacopy=on,redirect_dir=on", false); n < 30 {
		t.Errorf("only %d entries are equal", n)
	}
	for n := 2; n < 4; n++ { // the views of the layers below
		part := *m
		part.layers = m.layers[:n]
		part.compare(part.open(disk), true, "metacopy=on,redirect_dir=on", false)
	}
	seen := map[string]int{}
	for _, l := range m.layers {
		countMarks(t, disk, l, seen)
	}
	for _, kind := range []string{"whiteout", "opaque", "name", "path", "metacopy"} {
		if seen[kind] == 0 {
			t.Errorf("the layers hold no %s: %v", kind, seen)
		}
	}
	origins(t, m, view)
}

func countMarks(t *testing.T, disk volume.Tree, layer string, seen map[string]int) {
	t.Helper()
	err := disk.Walk(layer, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		m, err := overlay.Trusted.Read(disk, info)
		for kind, there := range map[string]bool{
			"whiteout": m.Whiteout, "opaque": m.Opaque, "metacopy": m.Metacopy, "path": strings.HasPrefix(m.Redirect, "/"),
			"name": m.Redirect != "" && !strings.HasPrefix(m.Redirect, "/"),
		} {
			if there {
				seen[kind]++
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// origins checks which layer's file shows, and whose bytes.
func origins(t *testing.T, m *made, view *overlay.FS) {
	t.Helper()
	for name, want := range map[string]string{
		"etcetera/large":     "up/etcetera/large base/usr/bin/large",
		"etcetera/one":       "base/etc/one base/etc/one",
		"old/dropped":        "up/old/dropped up/old/dropped",
		"srv/data/new":       "app/srv/data/new app/srv/data/new",
		"srv/deeper/er/one":  "base/usr/lib/deep/er/one base/usr/lib/deep/er/one",
		"var/log/two":        "app/var/log/two app/var/log/two",
		"usr/bin/../bin/one": "",
	} {
		info, err := view.Lstat(name)
		if want == "" {
			if err == nil {
				t.Errorf("%q is no path of io/fs", name)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		layer, file, _ := view.Origin(info)
		_, data, _ := view.Data(info)
		if got := file + " " + data; got != want || !strings.HasPrefix(file, m.layers[layer]+"/") {
			t.Errorf("%q comes from %s, layer %d; not %s", name, got, layer, want)
		}
	}
}

// TestMadeMarks compares a view whose marks somebody else than the kernel wrote, as converters of images do.
func TestMadeMarks(t *testing.T) {
	t.Parallel()
	m := newImage(t, "l0", "l1", "l2", "up")
	m.files("l0/a/1", "l0/a/2", "l0/a/sub/3", "l0/b/4", "l0/c/5", "l0/e/f/g/6", "l0/e/f/h/7", "l1/a/8", "l1/b", "l2/b/9", "l1/kept/10", "l0/kept/11")
	m.files("l0/plain", "l1/c/12", "l0/x/13", "l0/x/14", "l0/x/15", "l1/x/16", "l0/opaque-x/17", "l2/opaque-x/18")
	m.whiteout("l2/a/1")                                            // over two layers
	m.mark("l1", "trusted.overlay.opaque", "x")                     // a directory with whiteouts of the other kind
	m.mark("l1/x", "trusted.overlay.opaque", "x")                   // and one below it
	m.mark("l2/opaque-x", "trusted.overlay.opaque", "x")            // hides nothing itself
	m.emptyWhiteout("l1/x/13", "trusted.overlay.whiteout")          //
	m.emptyWhiteout("l1/plain", "trusted.overlay.whiteout")         //
	m.files("l1/x/15")                                              //
	m.mark("l1/x/15", "trusted.overlay.whiteout", "y")              // is not empty: no whiteout
	m.dir("l2/c")                                                   //
	m.mark("l2/c", "trusted.overlay.opaque", "y")                   //
	m.dir("up/kept")                                                //
	m.mark("up/kept", "trusted.overlay.opaque", "yes")              // not one letter: not opaque
	m.dir("l2/renamed")                                             //
	m.mark("l2/renamed", "trusted.overlay.redirect", "a")           // and "a" still shows as well
	m.dir("up/far/away")                                            //
	m.mark("up/far/away", "trusted.overlay.redirect", "/e/f")       //
	m.files("up/far/away/19", "l1/e/f/20", "l2/e/21")               //
	m.mark("l1/e/f", "trusted.overlay.opaque", "y")                 // ends the redirect's search
	m.dir("up/again")                                               //
	m.mark("up/again", "trusted.overlay.redirect", "/renamed")      // a path through a renamed directory
	m.mark("up/again", "trusted.overlay.overlay.redirect", "inner") // is shown
	m.mark("up/again", "trusted.overlay.origin", "anything")        //
	m.mark("up/again", "user.overlay.opaque", "y")                  // is a plain attribute here
	m.mark("up/again", "trusted.other", "shown")                    //
	m.files("l0/meta/data", "l0/meta/chain")                        //
	metacopy(m, "up/meta/named", "data")                            // beside its data
	metacopy(m, "l1/meta/chain", "")                                //
	metacopy(m, "up/elsewhere/chain", "/meta/chain")                //
	metacopy(m, "l2/elsewhere/inner", "/a/sub/3")                   //
	m.files("l1/target/22", "l2/m/n/23", "l0/m/n/24")               //
	m.mark("l2/m", "trusted.overlay.opaque", "y")                   // ends the search for /m/n,
	m.mark("l2/m/n", "trusted.overlay.redirect", "/target")         // which this begins again
	m.dir("up/jump")                                                //
	m.mark("up/jump", "trusted.overlay.redirect", "/m/n")           //
	disk := m.sealed()
	if n := m.compare(m.open(disk), false, "metacopy=on,redirect_dir=on", false); n < 40 {
		t.Errorf("only %d entries are equal", n)
	}
}

// metacopy makes a file that holds the metadata of another alone.
func metacopy(m *made, name, redirect string) {
	m.t.Helper()
	m.dir(filepath.Dir(name))
	m.must(os.WriteFile(m.at(name), nil, 0o604))
	m.must(os.Truncate(m.at(name), 12))
	m.mark(name, "trusted.overlay.metacopy", "")
	if redirect != "" {
		m.mark(name, "trusted.overlay.redirect", redirect)
	}
}

// TestUserNamespace compares the view of a runtime without root.
func TestUserNamespace(t *testing.T) {
	t.Parallel()
	m := newImage(t, "l0", "up")
	m.files("l0/a/1", "l0/a/2", "l0/b/3", "l0/c/4", "up/a/5", "up/b/6", "up/c/7")
	m.mark("up/b", "user.overlay.opaque", "y")
	m.mark("up/c", "trusted.overlay.opaque", "y") // is a plain attribute here
	m.mark("up/a", "user.overlay.overlay.opaque", "y")
	m.mark("up/a", "user.overlay.impure", "y")
	m.mark("up", "user.overlay.opaque", "x")
	m.mark("up/a", "user.overlay.opaque", "x")
	m.emptyWhiteout("up/a/1", "user.overlay.whiteout")
	disk := m.sealed()
	if n := m.compare(m.open(disk, overlay.With(overlay.User)), false, "userxattr", false); n < 9 {
		t.Errorf("only %d entries are equal", n)
	}
}

// TestDamagedMarks has marks that the kernel refuses. What it still reads is the same, what it cannot read is told.
func TestDamagedMarks(t *testing.T) {
	t.Parallel()
	m := newImage(t, "l0", "l1", "up")
	m.files("l0/good/1", "l0/dir/2", "l1/dir/3", "up/dir/4", "l0/over/a/5", "l1/file/6", "l0/file/7")
	for i, to := range []string{"a/b", "/", "/a//b", "/a/", "/../etc", "..", ".", "/good/./1"} {
		name := fmt.Sprintf("up/bad%d", i)
		m.dir(name)
		m.mark(name, "trusted.overlay.redirect", to)
	}
	metacopy(m, "up/lost", "")
	metacopy(m, "up/file", "")            // over directories
	metacopy(m, "up/to-dir", "/good")     //
	metacopy(m, "l0/lowest", "/good/1")   // nothing is below it
	metacopy(m, "up/good/gone", "absent") //
	metacopy(m, "up/short", "/good/1")    //
	m.mark("up/short", "trusted.overlay.metacopy", "\x00\x03")
	m.whiteout("l0/alone/whiteout")
	m.emptyWhiteout("l1/dir/2", "trusted.overlay.whiteout") // in a directory that is not marked: listed, and not to be found
	m.files("l0/alone/8")
	disk := m.sealed()
	view := m.open(disk)
	m.compare(view, false, "metacopy=on,redirect_dir=on", true)
	told := map[string]string{}
	err := view.Walk(".", func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			told[p] += err.Error()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for name, word := range map[string]string{
		"bad0": "redirect", "bad4": "redirect", "lost": "bytes", "file": "bytes", "to-dir": "bytes", "lowest": "bytes", "good/gone": "bytes", "short": "of 2 bytes",
	} {
		if !strings.Contains(told[name], word) {
			t.Errorf("%q: %q", name, told[name])
		}
	}
	for _, name := range []string{"alone/whiteout", "dir/2"} {
		if _, err := view.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a whiteout shows: %v", err)
		}
	}
}
