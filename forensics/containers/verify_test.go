package containers_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const containerdFixture = "../../lab/fixtures/containerd.tar.gz"

// whole unpacks an archive of this project with owners, devices and attributes.
func whole(t testing.TB, archive, into string) {
	t.Helper()
	if os.Getuid() != 0 {
		labenv.LeaveOut(t, "owners, devices and trusted attributes need root")
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "tar", "-C", into, "-xzf", archive, "--numeric-owner", "--xattrs", "--xattrs-include=*").CombinedOutput()
	if err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
}

func verify(t testing.TB, source string, opts containers.VerifyOptions) []containers.Check {
	t.Helper()
	checks, problems, err := containers.Verify(t.Context(), image(t, source), t.TempDir(), opts)
	if err != nil || len(problems) != 0 {
		t.Errorf("%v, problems %q", err, problems)
	}
	return checks
}

// differences gives what checks found, one a line.
func differences(checks []containers.Check) []string {
	var out []string
	for _, c := range checks {
		for _, d := range c.Differences {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", c.Kind, filepath.Base(d.Path), d.What, d.Field)))
		}
	}
	slices.Sort(out)
	return out
}

// TestGenuineLayers verifies what a real containerd unpacked, and finds each thing that somebody changed afterwards.
func TestGenuineLayers(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	whole(t, containerdFixture, filepath.Join(source, "var/lib/containerd"))
	checks := verify(t, source, containers.VerifyOptions{})
	layers := 0
	for _, c := range checks {
		if c.State != containers.Intact {
			t.Errorf("%+v", c)
		}
		if c.Kind == "layer" && c.Entries > 5 {
			layers++
		}
	}
	if layers == 0 {
		t.Fatalf("no layer was verified: %+v", checks)
	}
	layer := filepath.Join(source, "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs")
	tool := filepath.Join(layer, "bin/tool")
	raw, err := os.ReadFile(tool)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	must(t, os.WriteFile(tool, raw, 0o755))
	must(t, os.Chmod(tool, 0o4755|os.ModeSetuid))
	must(t, os.Chown(filepath.Join(layer, "srv/catalogue"), 1, 2))
	must(t, os.WriteFile(filepath.Join(layer, "etc/ld.so.preload"), []byte("/tmp/x.so"), 0o644))
	must(t, os.WriteFile(filepath.Join(layer, "etc/passwd"), []byte("toor"), 0o644))
	must(t, os.Remove(filepath.Join(layer, "var/log/cache.log")))
	must(t, os.Symlink("/etc/passwd", filepath.Join(layer, "var/log/cache.log")))
	must(t, os.Remove(filepath.Join(layer, "tmp")))
	want := []string{
		"layer: cache.log changed type", "layer: catalogue changed gid", "layer: catalogue changed uid", "layer: ld.so.preload added", "layer: passwd changed size",
		"layer: tmp missing", "layer: tool changed mode", "layer: tool changed sha256",
	}
	got := verify(t, source, containers.VerifyOptions{})
	if found := differences(got); !slices.Equal(found, want) {
		t.Errorf("differences:\n%s\nnot\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
	other := containers.VerifyOptions{Only: map[string]bool{"another": true}}
	if found := differences(verify(t, source, other)); len(found) != 0 {
		t.Errorf("layers were compared that nobody asked for: %q", found)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// imageStore makes a containerd store with one image.
type imageStore struct {
	t      testing.TB
	root   string
	layers []map[string]string // descriptors
	ids    []string
}

// blob keeps bytes under their digest.
func (s *imageStore) blob(raw []byte) string {
	s.t.Helper()
	sum := sha256.Sum256(raw)
	name := hex.EncodeToString(sum[:])
	dir := filepath.Join(s.root, "io.containerd.content.v1.content/blobs/sha256")
	must(s.t, errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), raw, 0o644)))
	return "sha256:" + name
}

// layer adds a layer's archive, compressed, and gives the directory to unpack it to.
func (s *imageStore) layer(archive []byte, compress func([]byte) []byte) string {
	s.t.Helper()
	sum := sha256.Sum256(archive)
	s.ids = append(s.ids, "sha256:"+hex.EncodeToString(sum[:]))
	s.layers = append(s.layers, map[string]string{"digest": s.blob(compress(archive))})
	dir := filepath.Join(s.root, "io.containerd.snapshotter.v1.overlayfs/snapshots", fmt.Sprint(len(s.ids)), "fs")
	must(s.t, os.MkdirAll(dir, 0o755))
	return dir
}

// seal writes the configuration, the manifest and the databases.
func (s *imageStore) seal() {
	s.t.Helper()
	config, _ := json.Marshal(map[string]any{"rootfs": map[string]any{"type": "layers", "diff_ids": s.ids}})
	manifest, _ := json.Marshal(map[string]any{"config": map[string]string{"digest": s.blob(config)}, "layers": s.layers})
	index, _ := json.Marshal(map[string]any{"manifests": []map[string]string{{"digest": "sha256:" + strings.Repeat("0", 64)}, {"digest": s.blob(manifest)}}})
	digest := s.blob(index)
	chain := s.ids[0]
	writeDB(s.t, filepath.Join(s.root, "io.containerd.metadata.v1.bolt/meta.db"), func(tx *bolt.Tx) error {
		put(s.t, bucket(s.t, tx, "v1", "k8s.io", "images", "shop/web:1", "target"), "digest", []byte(digest))
		for i := range s.ids {
			if i > 0 {
				sum := sha256.Sum256([]byte(chain + " " + s.ids[i]))
				chain = "sha256:" + hex.EncodeToString(sum[:])
			}
			put(s.t, bucket(s.t, tx, "v1", "k8s.io", "snapshots", "overlayfs", chain), "name", fmt.Appendf(nil, "k8s.io/%d/%s", i+1, chain))
		}
		return nil
	})
	chain = s.ids[0]
	writeDB(s.t, filepath.Join(s.root, "io.containerd.snapshotter.v1.overlayfs/metadata.db"), func(tx *bolt.Tx) error {
		for i := range s.ids {
			if i > 0 {
				sum := sha256.Sum256([]byte(chain + " " + s.ids[i]))
				chain = "sha256:" + hex.EncodeToString(sum[:])
			}
			put(s.t, bucket(s.t, tx, "v1", "snapshots", fmt.Sprintf("k8s.io/%d/%s", i+1, chain)), "id", binary.AppendUvarint(nil, uint64(i+1)))
		}
		return nil
	})
}

func archiveOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := []byte(nil)
		if h.Typeflag == 0 {
			h.Typeflag, content = tar.TypeReg, []byte(h.Name)
			h.Size = int64(len(content))
		}
		h.Format = tar.FormatPAX
		must(t, w.WriteHeader(&h))
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	must(t, w.Close())
	b.WriteString("padding that the digest counts")
	return b.Bytes()
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zstandard(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

// TestMadeLayers has everything that layers can hold, in each compression.
func TestMadeLayers(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		labenv.LeaveOut(t, "devices and trusted attributes need root")
	}
	for name, compress := range map[string]func([]byte) []byte{"gzip": zipped, "zstd": zstandard, "plain": slices.Clone[[]byte]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := t.TempDir()
			s := &imageStore{t: t, root: filepath.Join(source, "var/lib/containerd")}
			dir := s.layer(madeArchive(t), compress)
			unpackMade(t, dir)
			s.seal()
			checks := verify(t, source, containers.VerifyOptions{})
			if found := differences(checks); len(found) != 0 || len(checks) != 4 || checks[3].State != containers.Intact || checks[3].Entries != 15 {
				t.Errorf("%d checks, %q, %+v", len(checks), found, checks[len(checks)-1])
			}
			tamper(t, dir)
			want := []string{
				"layer: alias changed link", "layer: bare added", "layer: gone changed type", "layer: hidden changed opaque",
				"layer: null changed device", "layer: ping changed security.capability", "layer: user changed user.note",
			}
			if found := differences(verify(t, source, containers.VerifyOptions{})); !slices.Equal(found, want) {
				t.Errorf("differences:\n%s\nnot\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
			}
			small := verify(t, source, containers.VerifyOptions{MaxLayerBytes: 1000})
			if c := small[len(small)-1]; c.State != containers.Unverified || !strings.Contains(c.Why, "1000 bytes") {
				t.Errorf("%+v", c)
			}
		})
	}
}

const capability = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func madeArchive(t testing.TB) []byte {
	t.Helper()
	caps := map[string]string{"SCHILY.xattr.security.capability": capability}
	note := map[string]string{"SCHILY.xattr.user.note": "kept"}
	return archiveOf(
		t, tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "bin/first", Mode: 0o600}, tar.Header{Name: "./bin/first", Mode: 0o755}, // again: the second counts
		tar.Header{Name: "bin/alias", Typeflag: tar.TypeLink, Linkname: "./bin/first"}, tar.Header{Name: "bin/ping", Mode: 0o755, PAXRecords: caps},
		tar.Header{Name: "bin/user", Mode: 0o4755, Uid: 70000, Gid: 80000, PAXRecords: note}, tar.Header{Name: "implied/deep/file", Mode: 0o644},
		tar.Header{Name: "bin/link", Typeflag: tar.TypeSymlink, Linkname: "../../outside"}, tar.Header{Name: "dev/null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3},
		tar.Header{Name: "etc/.wh.gone"}, tar.Header{Name: "etc/hidden/.wh..wh..opq"}, tar.Header{Name: "../../outside", Mode: 0o600},
	)
}

func unpackMade(t testing.TB, dir string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{"bin", "implied/deep", "dev", "etc/hidden"} {
		must(t, os.MkdirAll(at(d), 0o755))
	}
	for name, mode := range map[string]os.FileMode{"bin/ping": 0o755, "bin/user": 0o755, "implied/deep/file": 0o644} {
		must(t, os.WriteFile(at(name), []byte(name), mode))
	}
	must(t, os.WriteFile(at("bin/first"), []byte("./bin/first"), 0o755))
	must(t, os.WriteFile(at("outside"), []byte("../../outside"), 0o600))
	must(t, os.Link(at("bin/first"), at("bin/alias")))
	must(t, os.Chown(at("bin/user"), 70000, 80000))
	must(t, os.Chmod(at("bin/user"), 0o755|os.ModeSetuid))
	must(t, os.Symlink("../../outside", at("bin/link")))
	must(t, unix.Mknod(at("dev/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(t, os.Chmod(at("dev/null"), 0o666))
	must(t, unix.Mknod(at("etc/gone"), unix.S_IFCHR, 0))
	must(t, unix.Lsetxattr(at("etc/hidden"), "trusted.overlay.opaque", []byte("y"), 0))
	must(t, unix.Lsetxattr(at("bin/ping"), "security.capability", []byte(capability), 0))
	must(t, unix.Lsetxattr(at("bin/user"), "user.note", []byte("kept"), 0))
}

func tamper(t testing.TB, dir string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.Remove(at("bin/alias")))
	must(t, os.WriteFile(at("bin/alias"), []byte("./bin/first"), 0o755)) // the same bytes in another file
	must(t, os.Mkdir(at("etc/bare"), 0o755))
	must(t, os.Remove(at("etc/gone")))
	must(t, os.WriteFile(at("etc/gone"), nil, 0o600))
	must(t, unix.Lremovexattr(at("etc/hidden"), "trusted.overlay.opaque"))
	must(t, os.Remove(at("dev/null")))
	must(t, unix.Mknod(at("dev/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 1))))
	must(t, os.Chmod(at("dev/null"), 0o666))
	must(t, unix.Lremovexattr(at("bin/ping"), "security.capability"))
	must(t, unix.Lsetxattr(at("bin/user"), "user.note", []byte("changed"), 0))
}

// TestChangedBlob finds a blob that is not what its name says: a layer's, a configuration's, and one that does not unpack.
func TestChangedBlob(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	s := &imageStore{t: t, root: filepath.Join(source, "var/lib/containerd")}
	for range 2 {
		s.layer(archiveOf(t), zipped)
	}
	s.layer(archiveOf(t, tar.Header{Name: "a"}), zipped)
	s.seal()
	must(t, os.WriteFile(filepath.Join(s.root, "io.containerd.snapshotter.v1.overlayfs/snapshots/3/fs/a"), []byte("a"), 0o000))
	blobs := filepath.Join(s.root, "io.containerd.content.v1.content/blobs/sha256")
	name := filepath.Join(blobs, strings.TrimPrefix(s.layers[2]["digest"], "sha256:"))
	raw, err := os.ReadFile(name)
	must(t, err)
	must(t, os.WriteFile(name, append(raw, 0), 0o644)) // gzip reads on, as one more member that is none
	must(t, os.Remove(filepath.Join(blobs, strings.TrimPrefix(s.layers[0]["digest"], "sha256:"))))
	states := map[string]string{}
	for _, c := range verify(t, source, containers.VerifyOptions{}) {
		if c.Kind == "layer" {
			states[c.Digest] += c.State + " " + c.Why
		}
	}
	if got := states[s.layers[2]["digest"]]; !strings.HasPrefix(got, "tampered") {
		t.Errorf("changed blob: %q", got)
	}
	if got := states[s.layers[0]["digest"]]; !strings.Contains(got, "unverified") || !strings.Contains(got, "not in the store") {
		t.Errorf("missing blob: %q", got)
	}
}

// TestDockerLayers verifies what a real dockerd unpacked, of which it keeps no archive, and finds what somebody changed.
func TestDockerLayers(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	whole(t, dockerFixture, filepath.Join(source, "var/lib/docker"))
	checks := verify(t, source, containers.VerifyOptions{})
	if len(checks) != 2 || checks[1].State != containers.Intact || checks[1].Entries < 9 || checks[0].State != containers.Intact || checks[1].Image != "shop/cache:2.1" {
		t.Fatalf("%+v", checks)
	}
	layer := filepath.Join(source, checks[1].Layer)
	tool := filepath.Join(layer, "bin/tool")
	raw, err := os.ReadFile(tool)
	must(t, err)
	raw[0] ^= 1
	must(t, os.WriteFile(tool, raw, 0o755))
	must(t, os.Remove(filepath.Join(layer, "srv/catalogue")))
	must(t, os.Chmod(filepath.Join(layer, "etc/passwd"), 0o666))
	must(t, os.WriteFile(filepath.Join(layer, "etc/more"), nil, 0o600))
	want := []string{
		"layer: catalogue changed crc64", "layer: catalogue missing", "layer: diff changed diffID", "layer: more added", "layer: passwd changed mode",
		"layer: tool changed crc64",
	}
	if found := differences(verify(t, source, containers.VerifyOptions{})); !slices.Equal(found, want) {
		t.Errorf("differences:\n%s\nnot\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
}
