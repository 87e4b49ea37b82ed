package image_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/block/blocktest"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// nodeImage makes a small file system whose files fill several blocks of a snapshot.
func nodeImage(t *testing.T) []byte {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	source := t.TempDir()
	for d := range 12 {
		dir := filepath.Join(source, fmt.Sprintf("dir-%02d", d))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for f := range 20 {
			text := bytes.Repeat(fmt.Appendf(nil, "%d/%d ", d, f), 4000)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%02d", f)), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "image")
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-d", source, path, "32M").CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read opens the image behind a service and reads all of it: what each path holds, and what was said to be wrong.
func read(t *testing.T, s *blocktest.Service, ahead bool) (found map[string]string, said []string, stats block.Stats) {
	t.Helper()
	snapshot, err := block.OpenSnapshot(t.Context(), s, "snap-00000000000000001", block.Options{
		Attempts: 2, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	disk := snapshot.Device(t.Context())
	defer func() { _ = disk.Close() }()
	opened, err := image.Open(disk, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ahead {
		opened.ReadAhead(t.Context())
	}
	found = map[string]string{}
	v := opened.Volumes[0]
	err = v.Walk(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			said = append(said, err.Error())
			return nil
		}
		found[p] = d.Type().String()
		if d.Type().IsRegular() {
			b, err := fs.ReadFile(v.FS, p)
			if err != nil {
				said = append(said, p+": "+err.Error())
				delete(found, p)
			} else {
				found[p] = string(b)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, said, disk.Stats()
}

// TestBadBlockOfASnapshot spoils each block of a snapshot in turn. What does not lie in it is read as if nothing were
// wrong, what does is missing and never wrong, and somebody is told the block and its place.
func TestBadBlockOfASnapshot(t *testing.T) {
	b := nodeImage(t)
	whole, said, _ := read(t, &blocktest.Service{Image: b}, false)
	if len(said) > 0 || len(whole) < 250 {
		t.Fatalf("%d paths, %q", len(whole), said)
	}
	s := blocktest.Service{Image: b}
	for _, bad := range s.Held() {
		if bad == 0 {
			continue // the superblock: nothing can be opened
		}
		for kind, spoilt := range map[string]*blocktest.Service{
			"corrupt": {Image: b, Corrupt: func(n int32, _ int) bool { return n == bad }},
			"missing": {Image: b, Before: func(_ context.Context, _ string, n int32, _ int) error {
				if n == bad {
					return blocktest.Gone()
				}
				return nil
			}},
		} {
			got, said, stats := read(t, spoilt, true)
			place := fmt.Sprintf("block %d of snapshot", bad)
			lost := len(whole) - len(got)
			for p := range maps.Keys(got) {
				if got[p] != whole[p] {
					t.Errorf("%s block %d: %q holds something else than without it", kind, bad, p)
				}
			}
			if lost > 0 && !strings.Contains(strings.Join(said, "\n"), place) {
				t.Errorf("%s block %d: %d paths are missing and nothing says %q: %q", kind, bad, lost, place, said)
			}
			if n := spoilt.Fetches(bad); n > 2 || stats.Unreadable > 1 {
				t.Errorf("%s block %d was asked for %d times, %d are called unreadable", kind, bad, n, stats.Unreadable)
			}
		}
	}
}

// TestReadAhead changes nothing of what is read, and reads no block that the walk does not.
func TestReadAhead(t *testing.T) {
	b := nodeImage(t)
	plain, _, stats := read(t, &blocktest.Service{Image: b}, false)
	ahead, _, more := read(t, &blocktest.Service{Image: b}, true)
	if diff := cmp.Diff(plain, ahead); diff != "" {
		t.Errorf("(-plain +ahead):\n%s", diff)
	}
	if more.Read > stats.Read+2 {
		t.Errorf("%d blocks were read, %d without reading ahead", more.Read, stats.Read)
	}
}

// TestOpenOnABadSuperblock says which block it was.
func TestOpenOnABadSuperblock(t *testing.T) {
	s := &blocktest.Service{Image: nodeImage(t), Corrupt: func(n int32, _ int) bool { return n == 0 }}
	snapshot, err := block.OpenSnapshot(t.Context(), s, "snap-00000000000000001", block.Options{
		Attempts: 2, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	disk := snapshot.Device(t.Context())
	defer func() { _ = disk.Close() }()
	var corrupt *block.CorruptError
	if opened, err := image.Open(disk, image.Options{}); !errors.As(err, &corrupt) || corrupt.Index != 0 {
		t.Errorf("%+v, %v", opened, err)
	}
}
