package image_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/partition"
)

// attacked is a whole disk of XFS that stopped in the middle of its work.
func attacked(t testing.TB) []byte {
	t.Helper()
	f, err := os.Open("../xfs/testdata/seeds/dirty.img.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestXFS opens a disk by the reader for its kind: with the log replayed, and as it lies on the disk.
func TestXFS(t *testing.T) {
	disk, err := image.Open(bytes.NewReader(attacked(t)), image.Options{})
	if err != nil || len(disk.Volumes) != 1 || len(disk.Unread) != 0 {
		t.Fatalf("%+v, %v", disk, err)
	}
	v := disk.Volumes[0]
	if v.Part.Kind != partition.XFS || !v.Replayed().Needed {
		t.Errorf("%+v, %+v", v.Part, v.Replayed())
	}
	if _, err := v.Stat("moved"); err != nil {
		t.Errorf("what the log holds: %v", err)
	}
	inPlace, err := v.InPlace()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inPlace.Stat("old/name1"); err != nil {
		t.Errorf("what was removed, as it lies on the disk: %v", err)
	}
}

// TestXFSThatIsNotRead tells what is not supported from what is damaged.
func TestXFSThatIsNotRead(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(b []byte)
		want    string
		damaged bool
	}{
		"feature": {func(b []byte) { b[218] |= 1 }, `xfs feature "metadir" is not supported`, false},
		"damage":  {func(b []byte) { b[7] = 3 }, "superblock: blocks of 1027 bytes are impossible", true},
	} {
		b := attacked(t)
		c.change(b)
		disk, err := image.Open(bytes.NewReader(b), image.Options{})
		if (err != nil) != c.damaged {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if len(disk.Unread) != 1 || disk.Unread[0].Damaged || !strings.Contains(disk.Unread[0].Why, c.want) {
			t.Errorf("%s: %+v", name, disk.Unread)
		}
	}
}
