package timeline_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/timeline"
	"github.com/firebreak-ir/firebreak/forensics/volume"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// kinds makes a file of each type and with each bit.
func kinds(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"plain": 0o644, "setuid": 0o755 | os.ModeSetuid, "setuid-alone": 0o600 | os.ModeSetuid, "setgid": 0o755 | os.ModeSetgid,
		"setgid-alone": 0o644 | os.ModeSetgid, "none": 0, "all": 0o777 | os.ModeSetuid | os.ModeSetgid | os.ModeSticky, "sticky-alone": 0o666 | os.ModeSticky,
		"é and spaces, commas": 0o640,
	} {
		write(t, filepath.Join(root, "dir", name), name)
		if err := os.Chmod(filepath.Join(root, "dir", name), mode); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(
		os.Chmod(filepath.Join(root, "dir"), 0o777|os.ModeSticky),
		os.Symlink("../where/ever", filepath.Join(root, "link")),
		os.Symlink(strings.Repeat("far/", 30), filepath.Join(root, "long-link")),
		syscall.Mkfifo(filepath.Join(root, "fifo"), 0o600),
		os.Chtimes(filepath.Join(root, "dir/plain"), time.Unix(1, 5), time.Unix(1_000_000_000, 999_999_999)),
	)
	if os.Getuid() == 0 {
		err = errors.Join(err, syscall.Mknod(filepath.Join(root, "char"), syscall.S_IFCHR|0o620, 5<<8|1),
			syscall.Mknod(filepath.Join(root, "block"), syscall.S_IFBLK|0o660, 8<<8), syscall.Mknod(filepath.Join(root, "socket"), syscall.S_IFSOCK|0o755, 0),
			os.Chown(filepath.Join(root, "dir/none"), 70000, 4_000_000_000))
	}
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func body(t *testing.T, all []timeline.FileEntry) string {
	t.Helper()
	var out bytes.Buffer
	b := timeline.NewBody(&out, "/")
	for _, e := range all {
		if err := b.Add(e.Path, e.Target, &e.Stat); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestBodyIsThatOfFls holds every line against those of The Sleuth Kit, on a disk that nobody has attacked.
func TestBodyIsThatOfFls(t *testing.T) {
	labenv.NeedTool(t, "fls", "apt-get install sleuthkit")
	disk := makeDisk(t, kinds(t), "16M")
	ours := strings.Split(strings.TrimSpace(body(t, entries(t, openDisk(t, disk), func(err error) { t.Error(err) }))), "\n")
	theirs := strings.Split(strings.TrimSpace(run(t, nil, "fls", "-r", "-m", "/", disk)), "\n")
	root := slices.IndexFunc(ours, func(line string) bool { return strings.HasPrefix(line, "0|/|2|d/d") })
	if root != 0 {
		t.Fatalf("no root: %q", ours)
	}
	ours = ours[1:]
	for i := range ours { // fls 4.11 does not read the target that lies in a block
		ours[i] = strings.Replace(ours[i], "0|/long-link -> "+strings.Repeat("far/", 30)+"|", "0|/long-link|", 1)
	}
	theirs = slices.DeleteFunc(theirs, func(line string) bool { return strings.Contains(line, "|/$OrphanFiles|") }) // fls's own
	slices.Sort(ours)
	slices.Sort(theirs)
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Error(diff)
	}
}

// hostileNames are names that break lines, fields or terminals, and how mactime must show them.
func hostileNames() map[string]string {
	return map[string]string{
		"new\nline|0|x": `new\x0aline|0|x`, "esc\x1b[31m": `esc\x1b[31m`, "pi|pe": "pi|pe", "%0A%7C%1b": "%0A%7C%1b", "100%": "100%", "%zz%2": "%zz%2",
		"%%0a": "%%0a", "%|41": "%|41", `back\slash`: `back\\slash`, "latin\xe9": `latin\xe9`, "turn\u202etxt": `turn\xe2\x80\xaetxt`, "é": "é", `"q"`: `"q"`,
	}
}

// TestMactimeReadsTheBody gives mactime names that an attacker chose. It splits lines at bars and takes %NN for bytes.
func TestMactimeReadsTheBody(t *testing.T) {
	labenv.NeedTool(t, "mactime", "apt-get install sleuthkit")
	var all []timeline.FileEntry
	inode := uint64(100)
	for name := range hostileNames() {
		inode++
		at := time.Unix(1_700_000_000+int64(inode), 0)
		all = append(all, timeline.FileEntry{Path: name, Stat: volume.Stat{
			Inode: inode, Mode: volume.TypeRegular | 0o644, Size: 7, Accessed: at, Modified: at, Changed: at.Add(time.Hour), Created: time.Unix(-5, 0),
		}})
	}
	said := run(t, []byte(body(t, all)), "mactime", "-y")
	for name, want := range hostileNames() {
		if n := strings.Count(said, " /"+want+"\n"); n != 2 {
			t.Errorf("%q stands there %d times as %q", name, n, want)
		}
	}
	if n := strings.Count(said, "\n"); n != 2*len(all) || strings.ContainsAny(said, "\x1b\u202e") {
		t.Errorf("%d lines\n%q", n, said)
	}
}

// TestBodyAllocatesNothing keeps the writer as fast as the inventory is.
func TestBodyAllocatesNothing(t *testing.T) {
	stat := volume.Stat{Inode: 12, Mode: volume.TypeLink | 0o777, Modified: time.Unix(1_700_000_000, 5)}
	dst := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { dst = timeline.AppendBody(dst[:0], "/", "usr/bin/\x1bé|x", "y", &stat) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got, want := string(dst), "0|/usr/bin/\\x1bé%7Cx -> y|12|l/lrwxrwxrwx|0|0|0|0|1700000000|0|0\n"; got != want {
		t.Errorf("%q", got)
	}
}

// FuzzBody keeps every entry on one line of eleven fields, whatever it is called, and its name can be got back.
func FuzzBody(f *testing.F) {
	for name := range hostileNames() {
		f.Add(name, "target|x")
	}
	f.Fuzz(func(t *testing.T, name, target string) {
		stat := volume.Stat{Mode: volume.TypeLink}
		line := string(timeline.AppendBody(nil, "/", "x"+name, target, &stat))
		if strings.Count(line, "|") != 10 || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Fatalf("%q", line)
		}
		field := strings.Split(line, "|")[1]
		if got, want := unescape(t, mactime(field)), "/x"+name+" -> "+target; got != want {
			t.Fatalf("%q instead of %q", got, want)
		}
	})
}

// mactime decodes a field as mactime does.
func mactime(field string) string {
	var out strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] == '%' && i+2 < len(field) && strings.Contains("0123456789abcdefABCDEF", field[i+1:i+2]) && strings.Contains("0123456789abcdefABCDEF", field[i+2:i+3]) {
			out.WriteByte(hexByte(field[i+1 : i+3]))
			i += 2
			continue
		}
		out.WriteByte(field[i])
	}
	return out.String()
}

// unescape gets a name back.
func unescape(t *testing.T, s string) string {
	t.Helper()
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			out.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			out.WriteByte('\\')
			i++
		case i+3 < len(s) && s[i+1] == 'x':
			out.WriteByte(hexByte(s[i+2 : i+4]))
			i += 3
		default:
			t.Fatalf("no escape at %d of %q", i, s)
		}
	}
	return out.String()
}

func hexByte(s string) byte {
	var b byte
	for _, c := range []byte(strings.ToLower(s)) {
		b = b<<4 | byte(strings.IndexByte("0123456789abcdef", c))
	}
	return b
}
