package xfs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

// prototype is what mkfs.xfs fills a file system with, which it can without mounting: kernels are built without version 4.
type prototype struct {
	testing.TB
	dir    string // of the files that it copies
	script strings.Builder
	want   map[string]kerneltest.Entry
}

func (p *prototype) add(path, mode string, want kerneltest.Entry, more string) {
	fmt.Fprintf(&p.script, "%s %s %d %d %s\n", filepath.Base(path), mode, want.Stat.UID, want.Stat.GID, more)
	want.Xattrs = map[string]string{}
	p.want[path] = want
}

func (p *prototype) file(path string, content []byte) {
	p.Helper()
	source := filepath.Join(p.dir, fmt.Sprint(len(p.want)))
	if err := os.WriteFile(source, content, 0o600); err != nil {
		p.Fatal(err)
	}
	e := kerneltest.Entry{SHA256: digest(content)}
	e.Stat.Mode, e.Stat.UID, e.Stat.GID, e.Stat.Size, e.Stat.Links = 0o100640, 70000, 1<<31+5, int64(len(content)), 1
	p.add(path, "---640", e, source)
}

func (p *prototype) directory(path string, fill func()) {
	e := kerneltest.Entry{}
	e.Stat.Mode = 0o42755
	p.add(path, "d-g755", e, "")
	fill()
	fmt.Fprintln(&p.script, "$")
}

func (p *prototype) fill() {
	for _, size := range []int{0, 1, 511, 4097, 200_000} {
		p.file(fmt.Sprint("size", size), pattern(size))
	}
	for name, target := range map[string]string{"short": "size1", "long": strings.Repeat("l/", 500) + "end"} {
		e := kerneltest.Entry{Target: target}
		e.Stat.Mode, e.Stat.Size, e.Stat.Links = 0o120777, int64(len(target)), 1
		p.add(name, "l--777", e, target)
	}
	for name, count := range map[string]int{"empty": 0, "inside": 5, "block": 30, "leaf": 150, "node": 1500} {
		p.directory(name, func() {
			for i := range count {
				e := kerneltest.Entry{}
				e.Stat.Mode, e.Stat.Major, e.Stat.Minor, e.Stat.Links = 0o20600, uint32(i%300), uint32(i), 1
				p.add(fmt.Sprintf("%s/%s%d", name, strings.Repeat("n", i%90), i), "c--600", e, fmt.Sprint(i%300, " ", i))
			}
		})
	}
}

// TestVersion4 compares version 4 with what mkfs.xfs was told to put into it.
func TestVersion4(t *testing.T) {
	for name, options := range map[string][]string{
		"default": nil, "512": {"-b", "size=512"}, "64k": {"-b", "size=65536"}, "types": {"-n", "ftype=1"}, "no types": {"-n", "ftype=0"},
		"letters": {"-n", "version=ci"}, "large dirs": {"-b", "size=1024", "-n", "size=8192"}, "old log": {"-l", "version=1"},
		"old attributes": {"-i", "attr=1,size=256"}, "large inodes": {"-i", "size=2048"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &prototype{TB: t, dir: t.TempDir(), want: map[string]kerneltest.Entry{}}
			p.fill()
			script := filepath.Join(p.dir, "prototype")
			if err := os.WriteFile(script, []byte("/\n0 0\nd--755 0 0\n"+p.script.String()+"$\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			image := emptyImage(t, 160, append([]string{"-m", "crc=0", "-p", script}, options...)...)
			disk := openImage(t, image, xfs.Options{})
			got := kerneltest.Read(t, disk, false)
			delete(got, ".")
			if diff := cmp.Diff(p.want, forgetful(got)); diff != "" {
				t.Errorf("(-prototype +image):\n%s", diff)
			}
			if d := disk.Damage(); len(d) != 0 {
				t.Errorf("damage in a sound image: %v", d)
			}
			if _, err := disk.Stat("SIZE1"); (err == nil) != (name == "letters") {
				t.Errorf("a name in other letters: %v", err)
			}
		})
	}
}

// forgetful drops what a prototype does not say.
func forgetful(entries map[string]kerneltest.Entry) map[string]kerneltest.Entry {
	for path, e := range entries {
		s := e.Stat
		e.Stat = kerneltest.Entry{}.Stat
		e.Stat.Mode, e.Stat.UID, e.Stat.GID, e.Stat.Major, e.Stat.Minor = s.Mode, s.UID, s.GID, s.Major, s.Minor
		if s.Mode&0o170000 != 0o40000 {
			e.Stat.Size, e.Stat.Links = s.Size, s.Links
		}
		entries[path] = e
	}
	return entries
}

// TestAttributesOfVersion4 reads what xfs_db puts into an image: values of so many times the letter v.
func TestAttributesOfVersion4(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]string{"4k": "4096", "512": "512", "64k": "65536"} {
		script := filepath.Join(t.TempDir(), "prototype")
		if err := os.WriteFile(script, []byte("/\n0 0\nd--755 0 0\nfew ---600 0 0 /dev/null\nmany ---600 0 0 /dev/null\n$\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		image := emptyImage(t, 160, "-m", "crc=0", "-p", script, "-b", "size="+size)
		disk := openImage(t, image, xfs.Options{})
		want := map[string]map[string]string{"few": {}, "many": {}}
		commands := []string{"-x"}
		set := func(file, flag, prefix string, value int, key string) {
			want[file][prefix+key] = strings.Repeat("v", value)
			commands = append(commands, "-c", fmt.Sprintf("inode %d", number(t, disk, file)), "-c", fmt.Sprintf("attr_set %s -v %d %s", flag, value, key))
		}
		set("few", "-u", "user.", 3, "a")
		set("few", "-r", "trusted.", 9, "b")
		set("few", "-s", "security.", 1, "c")
		for i := range 120 {
			set("many", "-u", "user.", 1+i*3, fmt.Sprint("key", i))
		}
		set("many", "-r", "trusted.", 60000, "remote")
		kerneltest.Run(t, "xfs_db", append(commands, image)...)
		for path, e := range kerneltest.Read(t, openImage(t, image, xfs.Options{}), false) {
			if diff := cmp.Diff(want[path], e.Xattrs); path != "." && diff != "" {
				t.Errorf("%s, %q: (-want +got):\n%s", name, path, diff)
			}
		}
	}
}

func number(t testing.TB, disk *xfs.FS, name string) uint64 {
	t.Helper()
	info, err := disk.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*xfs.Inode).Number
}
