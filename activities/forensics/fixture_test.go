package forensics_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/forensics"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const (
	dockerFixture = "../../lab/fixtures/docker-overlay2.tar.gz"
	imageName     = "data/snap-0123456789abcdef0/image.raw"
)

// call is a call of step in the tests' case.
func call(step string) activities.Call {
	return activities.Call{Case: "pod-compromise-1.1", Step: step, Key: "pod-compromise-1.1/" + step}
}

func run[Out any](t *testing.T, d activities.Definition, c activities.Call, in any) (Out, error) {
	t.Helper()
	var out Out
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := d.Run(t.Context(), c, raw)
	if err == nil {
		err = json.Unmarshal(answer, &out)
	}
	return out, err
}

func newStore(t *testing.T) *custody.Store {
	t.Helper()
	store, err := custody.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// dockerDisk makes an image of a node's /var with the tree that a real dockerd left.
func dockerDisk(t *testing.T) string {
	t.Helper()
	source := t.TempDir()
	unpack(t, dockerFixture, filepath.Join(source, "lib/docker"))
	return makeDisk(t, source)
}

// makeDisk makes an image whose blocks have no checksums: tests change directories by hand.
func makeDisk(t *testing.T, source string) string {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	image := filepath.Join(t.TempDir(), "disk.img")
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-O", "^metadata_csum", "-d", source, image, "96M").CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	return image
}

// withImage gives a store whose case holds the image as evidence.
func withImage(t *testing.T, image string) *custody.Store {
	t.Helper()
	store := newStore(t)
	c, err := store.Case(call("read").Case)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Put(t.Context(), custody.By{Step: "read", Key: "read"}, imageName, "disk image", func(w io.Writer) error {
		f, err := os.Open(image)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// explorer gives docker-explorer's command: the lab's, or the one on the PATH.
func explorer(t *testing.T) []string {
	t.Helper()
	lab, _, err := labenv.Read()
	if err != nil {
		t.Fatal(err)
	}
	if lab.Tools.DockerExplorer != "" {
		return []string{lab.Tools.DockerExplorer}
	}
	labenv.NeedTool(t, "de.py", "run `make test`, whose lab brings docker-explorer")
	return nil
}

func kindOf(err error) activities.Kind {
	kind, _ := activities.KindOf(err)
	return kind
}

var _ forensics.Store = (*custody.Store)(nil)

// unpack writes the files and links of a tar.gz that belongs to this project.
func unpack(t *testing.T, archive, into string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeSymlink {
			name := filepath.Join(into, h.Name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(h.Linkname, name)); err != nil {
				t.Fatal(err)
			}
		}
		if h.Typeflag == tar.TypeReg {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(into, h.Name), b)
		}
	}
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, content, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func writeProgram(t *testing.T, name, script string) {
	t.Helper()
	writeFile(t, name, []byte(script))
	if err := os.Chmod(name, 0o700); err != nil {
		t.Fatal(err)
	}
}
