package forensics_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities/forensics"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const diskBlock = 1024 // bytes, of a disk of makeDisk

// debugfs lets debugfs work on an image, and gives what it says.
func debugfs(t *testing.T, image, script string) string {
	t.Helper()
	labenv.NeedTool(t, "debugfs", "apt-get install e2fsprogs")
	c := exec.Command("debugfs", "-w", "-f", "-", image)
	c.Stdin = strings.NewReader(script)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("debugfs: %v\n%s", err, out)
	}
	return string(out)
}

// dirBlock gives the number and the bytes of a directory's only block.
func dirBlock(t *testing.T, image, dir string) (number int, content []byte) {
	t.Helper()
	said := strings.Fields(debugfs(t, image, fmt.Sprintf("bmap %q 0", dir)))
	number, err := strconv.Atoi(said[len(said)-1])
	if err != nil {
		t.Fatalf("%v: %q", err, said)
	}
	raw, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	return number, bytes.Clone(raw[number*diskBlock:][:diskBlock])
}

// journalled writes into the image's journal what change makes of a directory's only block.
func journalled(t *testing.T, image, dir string, change func(block []byte)) {
	t.Helper()
	number, content := dirBlock(t, image, dir)
	change(content)
	file := filepath.Join(t.TempDir(), "block")
	writeFile(t, file, content)
	debugfs(t, image, fmt.Sprintf("journal_open\njournal_write -b %d %s\njournal_close", number, file))
}

// journalWrites runs forensics.last_writes for what the journal alone knows.
func journalWrites(t *testing.T, image string) (forensics.LastWritesOutput, map[string]written) {
	t.Helper()
	return writesOf(t, forensics.Deps{Store: withImage(t, image)}, forensics.LastWritesInput{Image: imageName})
}

// TestDeletedLog finds a file that lies on the disk and that the journal takes away.
func TestDeletedLog(t *testing.T) {
	source := t.TempDir()
	for _, name := range []string{"auth.log", "kern.log"} {
		writeFile(t, filepath.Join(source, "var/log", name), []byte("sshd\n"))
	}
	image := makeDisk(t, source)
	journalled(t, image, "var/log", func(block []byte) {
		binary.LittleEndian.PutUint32(block[bytes.Index(block, []byte("auth.log"))-8:], 0)
	})
	out, found := journalWrites(t, image)
	if f := found["var/log/auth.log"]; f.Change != "deleted" || f.Severity != "high" || len(found) != 1 || len(out.Findings) != 1 {
		t.Errorf("%+v, %+v", found, out)
	}
}

// TestUnreadableDirectory does not take for deleted what lies in a directory that cannot be read after the replay.
func TestUnreadableDirectory(t *testing.T) {
	source := t.TempDir()
	for _, name := range []string{"auth.log", "kern.log", "nginx/access.log"} {
		writeFile(t, filepath.Join(source, "var/log", name), []byte("sshd\n"))
	}
	writeFile(t, filepath.Join(source, "var/www/index.html"), []byte("hello"))
	image := makeDisk(t, source)
	journalled(t, image, "var/log", func(block []byte) { copy(block, bytes.Repeat([]byte{0xFF}, len(block))) })
	out, found := journalWrites(t, image)
	for _, name := range []string{"auth.log", "kern.log", "nginx/access.log"} {
		if f := found["var/log/"+name]; f.Change != "unread" || !strings.Contains(f.Problem, `"/var/log"`) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if said := strings.Join(out.Warnings, "\n"); len(out.Findings) != 0 || out.Total != 0 || strings.Count(said, "/var/log/") < 3 || strings.Count(said, "/var/log: ") != 1 {
		t.Errorf("%+v", out)
	}
	if _, ok := found["var/www/index.html"]; ok {
		t.Errorf("%+v", found)
	}
}

// TestNamesBeforeADot passes over files of the root directory whose names sort before ".", and which nobody touched.
func TestNamesBeforeADot(t *testing.T) {
	source := t.TempDir()
	for _, name := range []string{"#x", "+x.log", "-x", ".x", "x", "var/log/x.log"} {
		writeFile(t, filepath.Join(source, name), []byte("x"))
	}
	image := makeDisk(t, source)
	journalled(t, image, "var/log", func([]byte) {})
	if out, found := journalWrites(t, image); len(found) != 0 || out.Journal.Transactions != 1 || out.Total != 0 {
		t.Errorf("%+v, %+v", found, out)
	}
}

// TestTwoFilesOfOneName hashes each file that a damaged directory lists, though a path leads to the first alone.
func TestTwoFilesOfOneName(t *testing.T) {
	source := t.TempDir()
	writeFile(t, filepath.Join(source, "tmp/miner-1"), []byte("#!one"))
	writeFile(t, filepath.Join(source, "tmp/miner-2"), []byte("#!two"))
	image := makeDisk(t, source)
	number, content := dirBlock(t, image, "tmp")
	raw, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	copy(raw[number*diskBlock:], bytes.Replace(content, []byte("miner-2"), []byte("miner-1"), 1))
	writeFile(t, image, raw)
	out, _ := lastWrites(t, forensics.Deps{Store: withImage(t, image)})
	if len(out.Findings) != 2 || out.Findings[0].SHA256 == out.Findings[1].SHA256 {
		t.Errorf("%+v", out.Findings)
	}
}
