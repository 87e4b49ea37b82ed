package partition_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/partition"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// partxParts lets util-linux's own library find the partitions of a disk whose sectors have that length. It counts in
// 512 bytes all the same, and lists the
// extended partition too, which holds nothing but others.
func partxParts(t *testing.T, disk []byte, sector int) (out []partition.Part) {
	t.Helper()
	labenv.NeedTool(t, "partx", "apt-get install util-linux")
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("partx", "--raw", "--noheadings", "--bytes", "--output", "TYPE,NR,START,SIZE", "--sector-size", strconv.Itoa(sector), path)
	lines, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) && !strings.Contains(string(failed.Stderr), "failed to read partition table") { // it means that there is none
		t.Fatalf("%v: %s", err, failed.Stderr)
	}
	for line := range strings.Lines(string(lines)) {
		var kind string
		var p partition.Part
		if _, err := fmt.Sscan(line, &kind, &p.Number, &p.Offset, &p.Size); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if p.Offset *= 512; kind != "0xf" && kind != "0x5" {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b partition.Part) int { return cmp.Compare(a.Offset, b.Offset) })
	return out
}

// TestAsPartx finds what partx finds.
func TestAsPartx(t *testing.T) {
	logical := func(unit uint32, b []byte) {
		s := func(m uint32) uint32 { return m * mib / unit }
		mbr(b, 0, [3]uint32{0x83, s(1), s(1)}, [3]uint32{0x0F, s(4), s(16)}, [3]uint32{0x83, s(2), s(1)})
		mbr(b, 4*mib, [3]uint32{0x83, s(1), s(1)}, [3]uint32{0x05, s(4), s(3)})
		mbr(b, 8*mib, [3]uint32{0x8E, s(1), s(2)})
		copy(b[mib+ext4At:], "\x53\xef")
	}
	for name, c := range map[string]struct {
		sector int
		fill   func([]byte)
	}{
		"gpt": {512, func(b []byte) {
			mbr(b, 0, [3]uint32{0xEE, 1, 65535})
			gpt(b, 512, [2]uint64{8192, 16383}, [2]uint64{2048, 8191})
		}},
		"gpt, 4096": {4096, func(b []byte) {
			mbr(b, 0, [3]uint32{0xEE, 1, 8191})
			gpt(b, 4096, [2]uint64{256, 511}, [2]uint64{1024, 2047})
		}},
		"mbr":       {512, func(b []byte) { logical(512, b) }},
		"mbr, 4096": {4096, func(b []byte) { logical(4096, b) }},
		"fat": {512, func(b []byte) {
			copy(b[82:], "FAT32   ")
			copy(b[446:], "Remove disks or other media.")
			b[510], b[511] = 0x55, 0xAA
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := disk(32*mib, nil)
			c.fill(b)
			got, err := partition.Find(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Error(err)
			}
			for i := range got { // partx says neither
				got[i].Kind, got[i].Name = "", ""
			}
			if want := partxParts(t, b, c.sector); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("partx finds %v, we %v", want, got)
			}
		})
	}
}
