package ext4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

// script lets debugfs write transactions into the journal of an image; %s stands for a file with one block of bytes.
func script(t testing.TB, image, commands string) {
	t.Helper()
	need(t, "debugfs")
	block := filepath.Join(t.TempDir(), "block")
	write(t, block, bytes.Repeat([]byte("NEW!"), 256))
	c := exec.Command("debugfs", "-w", "-f", "-", image)
	c.Stdin = strings.NewReader(strings.ReplaceAll(commands, "%s", block) + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("debugfs: %v\n%s", err, out)
	}
}

// victim makes an image with one file of eight blocks and gives the block where the file begins.
func victim(t testing.TB, options ...string) (image string, block string) {
	t.Helper()
	source := t.TempDir()
	write(t, filepath.Join(source, "file"), pattern(8<<10))
	image = makeImage(t, source, "8M", append([]string{"-b", "1024"}, options...)...)
	out := run(t, "debugfs", "-R", "bmap file 0", image)
	fields := strings.Fields(out)
	return image, fields[len(fields)-1]
}

// TestJournalVersions replays what debugfs writes in each version of the journal's checksums, and compares with e2fsck.
func TestJournalVersions(t *testing.T) {
	for _, version := range []string{"", "-c -v 2", "-c -v 3"} {
		for _, options := range []string{"^64bit,^metadata_csum", "64bit,metadata_csum"} {
			t.Run(version+" "+options, func(t *testing.T) {
				image, block := victim(t, "-O", options)
				script(t, image, fmt.Sprintf("journal_open %s\njournal_write -b %s %%s\njournal_close", version, block))
				disk := openImage(t, image, ext4.Options{})
				if got := readFile(t, disk, "file"); !strings.HasPrefix(got, "NEW!") {
					t.Errorf("the transaction is not replayed: %+v, damage %v", disk.Replayed(), disk.Damage())
				}
				if d := fmt.Sprint(disk.Damage()); strings.Contains(d, "missing") { // debugfs writes impossible times, which are reported
					t.Errorf("the end of a sound log is taken for damage: %s", d)
				}
				if diff := cmp.Diff(repaired(t, image), imageTree(t, disk)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestRevoke leaves out a copy that a later transaction revoked, and keeps one that was written after that.
func TestRevoke(t *testing.T) {
	for version, commands := range map[string]string{
		"revoked later":     "journal_open -c -v 3\njournal_write -b B %s\njournal_write -r B\njournal_close",
		"written once more": "journal_open -c -v 3\njournal_write -r B\njournal_write -b B %s\njournal_close",
	} {
		t.Run(version, func(t *testing.T) {
			image, block := victim(t)
			script(t, image, strings.ReplaceAll(commands, "B", block))
			disk := openImage(t, image, ext4.Options{})
			got := strings.HasPrefix(readFile(t, disk, "file"), "NEW!")
			if want := version == "written once more"; got != want {
				t.Errorf("replayed: %t, want %t (%+v)", got, want, disk.Replayed())
			}
			if diff := cmp.Diff(repaired(t, image), imageTree(t, disk)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDamagedJournal stops at the first transaction that is not whole, keeps what comes before it and reports it.
func TestDamagedJournal(t *testing.T) {
	for name, begin := range map[string]string{
		"descriptor": logBlock(1), "copy": strings.Repeat("NEW!", 256), "commit": logBlock(2), "revoke": logBlock(5),
	} {
		t.Run(name, func(t *testing.T) {
			b, at := damagedLog(t, begin)
			b[at+500] ^= 1
			disk := openBytes(t, bytes.NewReader(b), len(b))
			if strings.HasPrefix(readFile(t, disk, "file"), "NEW!") != (name == "revoke") { // which is in a transaction of its own
				t.Errorf("replayed: %+v", disk.Replayed())
			}
			if said := fmt.Sprint(disk.Damage()); !strings.Contains(said, "checksum") {
				t.Errorf("nothing names the checksum: %s, stopped: %s", said, disk.Replayed().Stopped)
			}
		})
	}
}

// TestImpossibleCommitTime gives no time that JSON cannot hold.
func TestImpossibleCommitTime(t *testing.T) {
	name, block := victim(t, "-O", "^64bit,^metadata_csum")
	script(t, name, fmt.Sprintf("journal_open\njournal_write -b %s %%s\njournal_close", block))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	commit := bytes.Index(b, []byte(logBlock(2)))
	binary.BigEndian.PutUint64(b[commit+0x30:], 1<<39)
	disk := openBytes(t, bytes.NewReader(b), len(b))
	if r := disk.Replayed(); !r.LastCommit.IsZero() || r.Transactions != 1 || !strings.Contains(fmt.Sprint(disk.Damage()), "time") {
		t.Errorf("%+v, damage %v", r, disk.Damage())
	}
}

// TestUnreadableLog reports a block of the log that cannot be read.
func TestUnreadableLog(t *testing.T) {
	b, at := damagedLog(t, logBlock(2))
	disk := openBytes(t, torn{bytes.NewReader(b), int64(at)}, len(b))
	if said := fmt.Sprint(disk.Damage()); !strings.Contains(said, "bad sector") {
		t.Errorf("damage: %s, stopped: %s", said, disk.Replayed().Stopped)
	}
}

func logBlock(kind byte) string { return "\xC0\x3B\x39\x98\x00\x00\x00" + string(rune(kind)) }

// damagedLog gives an image with a transaction that writes and one that revokes, and where a block of its log begins.
func damagedLog(t *testing.T, begin string) (image []byte, at int) {
	t.Helper()
	name, block := victim(t)
	script(t, name, fmt.Sprintf("journal_open -c -v 3\njournal_write -b %s %%s\njournal_write -r 1000\njournal_close", block))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b, bytes.Index(b, []byte(begin))
}

func openBytes(t *testing.T, r io.ReaderAt, size int) *ext4.FS {
	t.Helper()
	disk, err := ext4.Open(r, int64(size), ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// torn is a disk with one bad sector.
type torn struct {
	io.ReaderAt
	bad int64
}

func (d torn) ReadAt(p []byte, off int64) (int, error) {
	if off <= d.bad && d.bad < off+int64(len(p)) {
		return 0, errors.New("bad sector")
	}
	return d.ReaderAt.ReadAt(p, off)
}

func readFile(t testing.TB, disk *ext4.FS, name string) string {
	t.Helper()
	f, err := disk.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8<<10)
	n, _ := f.ReadAt(b, 0)
	return string(b[:n])
}
