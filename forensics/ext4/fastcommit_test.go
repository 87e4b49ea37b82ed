package ext4_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// TestFastCommits reports what the kernel wrote as fast commits, and not what a former transaction left in their place.
func TestFastCommits(t *testing.T) {
	image := makeImage(t, t.TempDir(), "64M", "-b", "4096", "-O", "fast_commit")
	dir, unmount := mount(t, image, "loop")
	for i := range 30 {
		writeSynced(t, filepath.Join(dir, fmt.Sprintf("file-%d", i)), pattern(100))
	}
	copied := crashCopy(t, image)
	unmount()
	b, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.Index(b, []byte{9, 0, 8, 0, 0, 0, 0, 0})
	if head < 0 || head%4096 != 0 {
		labenv.LeaveOut(t, "this kernel wrote no fast commits")
	}
	if said := damageOf(t, b); !strings.Contains(said, "fast commits") {
		t.Errorf("fast commits are not reported: %s", said)
	}
	binary.LittleEndian.PutUint32(b[head+8:], binary.LittleEndian.Uint32(b[head+8:])-1)
	if said := damageOf(t, b); strings.Contains(said, "fast commits") {
		t.Errorf("those of a former transaction are reported: %s", said)
	}
}

func damageOf(t *testing.T, image []byte) string {
	t.Helper()
	return fmt.Sprint(openBytes(t, bytes.NewReader(image), len(image)).Damage())
}
