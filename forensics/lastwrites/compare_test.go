package lastwrites_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
)

// TestSince gives what stands in its place and changed since a time, and without one nothing: the journal is empty.
func TestSince(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "a/one"), []byte("1"))
	write(t, filepath.Join(source, "b"), []byte("2"))
	v := openVolume(t, makeDisk(t, source, "8M"))
	for name, test := range map[string]struct {
		opts lastwrites.Options
		want int
	}{
		"journal":     {lastwrites.Options{}, 0},
		"files":       {lastwrites.Options{Since: time.Now().Add(-time.Hour)}, 2},
		"directories": {lastwrites.Options{Since: time.Now().Add(-time.Hour), Directories: true}, 4}, // lost+found and a
		"none":        {lastwrites.Options{Since: time.Now().Add(time.Hour), Directories: true}, 0},
	} {
		found := changes(t, v, test.opts)
		if len(found) != test.want {
			t.Errorf("%s: %+v", name, found)
		}
		for p, ch := range found {
			if ch.Alone || ch.Kind != lastwrites.Added {
				t.Errorf("%s: %s: %+v", name, p, ch)
			}
		}
	}
}

// TestBudget stops hashing when the budget is used up and where the caller knows the change, and goes on listing.
func TestBudget(t *testing.T) {
	source := t.TempDir()
	for _, name := range []string{"1", "2", "3", "4"} {
		write(t, filepath.Join(source, name), bytes.Repeat([]byte(name), 4096))
	}
	asked := 0
	found := changes(t, openVolume(t, makeDisk(t, source, "8M")), lastwrites.Options{
		Since: time.Now().Add(-time.Hour), Hash: lastwrites.NewBudget(3 * 8192),
		Known: func() bool { asked++; return asked == 2 },
	})
	got := ""
	for _, name := range []string{"1", "2", "3", "4"} {
		switch ch := found[name]; {
		case strings.Contains(ch.Problem, "used up"):
			got += "u"
		case ch.SHA256 == "" && ch.Problem == "":
			got += "k"
		case ch.SHA256 == hashOf(bytes.Repeat([]byte(name), 4096)):
			got += "h"
		}
	}
	if got != "hkhu" {
		t.Errorf("%s: %+v", got, found)
	}
}

// TestEndsWithItsCaller hands back what ends the work.
func TestEndsWithItsCaller(t *testing.T) {
	source := t.TempDir()
	for i := range 2100 {
		write(t, filepath.Join(source, strings.Repeat("x", 1+i%200), strings.Repeat("y", 1+i/200)), nil)
	}
	v := openVolume(t, makeDisk(t, source, "32M"))
	enough, since := errors.New("enough"), time.Now().Add(-time.Hour)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx      context.Context
		do       func(lastwrites.Change) error
		progress func(int) error
		want     error
	}{
		"do":       {t.Context(), func(lastwrites.Change) error { return enough }, nil, enough},
		"progress": {t.Context(), func(lastwrites.Change) error { return nil }, func(int) error { return enough }, enough},
		"context":  {gone, func(lastwrites.Change) error { return nil }, nil, context.Canceled},
	} {
		if err := lastwrites.Compare(test.ctx, v, lastwrites.Options{Since: since, Progress: test.progress}, test.do); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPlaces finds the layer of a path: a container's own, another one of a store, or none.
func TestPlaces(t *testing.T) {
	source := t.TempDir()
	for _, dir := range []string{"lib/containerd", "tmp/docker"} {
		write(t, filepath.Join(source, dir, "x"), nil)
	}
	if err := os.Chown(filepath.Join(source, "tmp/docker"), 1000, 1000); err != nil && os.Getuid() == 0 {
		t.Fatal(err)
	}
	const snapshots = "lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/"
	l := lastwrites.NewLayers(openVolume(t, makeDisk(t, source, "8M")), containers.Listing{
		Containers: []containers.Container{
			{ID: "0123456789abcdef", Layer: snapshots + "7/fs"}, {ID: "x"},
			{ID: "b", Name: "web", Pod: "web-1", PodNamespace: "shop", Layer: snapshots + "8/fs"},
		},
		Roots: []containers.Root{{Path: "lib/containerd", Kind: containers.Containerd}, {Path: "tmp/docker", Kind: containers.Docker}},
	})
	for p, want := range map[string]lastwrites.Place{
		snapshots + "7/fs/tmp/x":                     {Inside: "/tmp/x", Container: "0123456789ab"},
		snapshots + "8/fs/etc/passwd":                {Inside: "/etc/passwd", Container: "web", Pod: "shop/web-1"},
		snapshots + "9/fs/a":                         {Inside: "/a", Layer: snapshots + "9/fs"},
		snapshots + "77/fs":                          {},
		"etc/passwd":                                 {},
		"tmp/docker/overlay2/a/diff/xmrig":           {}, // no runtime made that store
		"lib/containerd2/io.containerd.x/snapshots/": {},
	} {
		if diff := cmp.Diff(want, l.Find(p)); diff != "" && (os.Getuid() == 0 || !strings.HasPrefix(p, "tmp")) {
			t.Errorf("%s: %s", p, diff)
		}
	}
}
