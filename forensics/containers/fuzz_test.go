package containers

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	bolt "go.etcd.io/bbolt"
	"google.golang.org/protobuf/encoding/protowire"
)

// inAny wraps a value as containerd does.
func inAny(value string) []byte {
	raw := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), carveMark+"container/Metadata")
	return protowire.AppendString(protowire.AppendTag(raw, 2, protowire.BytesType), value)
}

const criSeed = `{"Version":"v1","Metadata":{"ID":"abcd","SandboxID":"ef","ImageRef":"sha256:0","Config":{"metadata":{"name":"web","attempt":1},"labels":{"a":"b"}}}}`

// FuzzCRI reads what the CRI plugin keeps in a record: its own metadata and the runtime's specification.
func FuzzCRI(f *testing.F) {
	f.Add(inAny(criSeed))
	f.Add(inAny(`{"annotations":{"io.kubernetes.cri.container-type":"container"},"linux":{"cgroupsPath":"/kubepods/pod1/` + strings.Repeat("0a", 32) + `"}}`))
	f.Add([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := &lister{ctx: context.Background()}
		c := l.container("k8s.io", "id", "meta.db", record{extensions: map[string][]byte{criContainer: raw, criSandbox: raw}})
		if len(c.Name) > maxText+4 || c.ID != "id" {
			t.Errorf("%+v", c)
		}
		if spec, err := decodeSpec(raw); err == nil && spec.id() != "" && len(spec.id()) != 64 {
			t.Errorf("%q is no id", spec.id())
		}
	})
}

// FuzzStatus reads the CRI plugin's status file.
func FuzzStatus(f *testing.F) {
	f.Add([]byte(`{"Version":"v1","CreatedAt":1795613566499195152,"StartedAt":1795613566859826473,"FinishedAt":-1,"ExitCode":137}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := decodeStatus(raw)
		if err != nil {
			return
		}
		l := &lister{ctx: context.Background()}
		c := Container{}
		l.setStatus("status", &c, s)
		for _, at := range []time.Time{c.Created, c.Started, c.Finished} {
			if _, err := at.MarshalJSON(); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzCheckpoint reads a checkpoint's archive.
func FuzzCheckpoint(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range map[string]string{"config.dump": `{"id":"a"}`, "spec.dump": `{"annotations":{"io.kubernetes.pod.name":"p"}}`, "checkpoint/pages-1.img": "memory"} {
		_ = w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(content))})
		_, _ = w.Write([]byte(content))
	}
	_ = w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := Checkpoint{}
		_ = c.read(bytes.NewReader(raw))
		if c.Memory < 0 || len(c.Pod) > maxText+4 {
			t.Errorf("%+v", c)
		}
	})
}

// FuzzLayerDB reads the file lower of Docker's overlay2.
func FuzzLayerDB(f *testing.F) {
	f.Add([]byte("l/AYF3GQH6LG6KL5URMK4CUDEMPI:l/FF3YGVCF4OAVEZQ5ZCWWVKX5TJ\n"))
	f.Add([]byte("l/..:l/a/b"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		links, err := lowerLinks(raw)
		for _, link := range links {
			if err == nil && (strings.Count(link, "/") != 1 || !plain(link[2:])) {
				t.Errorf("%q", link)
			}
		}
	})
}

// FuzzToken reads a service account's token, and a certificate.
func FuzzToken(f *testing.F) {
	f.Add([]byte("e30.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6c2hvcDpyb2JvdCJ9.c2ln"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := Pod{UID: "u"}
		_ = p.fromToken(raw)
		_ = nodeOf(raw)
		if len(p.ServiceAccount) > maxText+4 {
			t.Errorf("%+v", p)
		}
	})
}

// FuzzArchive reads a layer's blob. Whatever is in it, it stays inside its limits and its names stay in the layer.
func FuzzArchive(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{{Name: "../a/b", Typeflag: tar.TypeReg}, {Name: "c", Typeflag: tar.TypeLink, Linkname: "../a/b"}, {Name: "d/.wh..wh..opq"}, {Name: "d/.wh.e"}} {
		_ = w.WriteHeader(&h)
	}
	_ = w.Close()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(b.Bytes())
	_ = z.Close()
	f.Add(b.Bytes())
	f.Add(zipped.Bytes())
	f.Add([]byte{0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x00, 0x09, 0x00, 0x00, 'a', 0x99, 0xE9, 0xD8, 0x51})
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := &verifier{lister: &lister{ctx: context.Background()}, opts: VerifyOptions{MaxLayerBytes: 1 << 20, MaxEntries: 100}}
		var out counter
		c, _ := v.readArchive(bytes.NewReader(raw), &out)
		if len(c.files) > 100 || out > 2<<20 {
			t.Errorf("%d files, %d bytes", len(c.files), out)
		}
		for name := range c.files {
			if name == "" || strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") {
				t.Errorf("name %q", name)
			}
		}
	})
}

// FuzzTarSplit puts an archive together from what Docker noted of it.
func FuzzTarSplit(f *testing.F) {
	f.Add([]byte(`{"type":2,"payload":"YQ==","position":0}` + "\n" + `{"type":1,"name":"a/b","size":3,"payload":"AAAAAAAAAAA=","position":1}` + "\n"))
	f.Add([]byte(`{"type":1,"name":"../../etc/shadow","size":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := &verifier{lister: &lister{ctx: context.Background(), disk: emptyDisk{}}, opts: VerifyOptions{MaxLayerBytes: 1 << 16, MaxEntries: 10}}
		r := &splitReader{v: v, check: &Check{Layer: "layer"}, notes: bufio.NewScanner(bytes.NewReader(raw))}
		var out counter
		_, _ = v.readPlain(r, &out)
		if out > 2<<20 {
			t.Errorf("%d bytes", out)
		}
	})
}

// emptyDisk has no files; it fails the test where something outside the layer is asked for.
type emptyDisk struct{ Disk }

func (emptyDisk) Lstat(name string) (fs.FileInfo, error) {
	if !strings.HasPrefix(name, "layer/") {
		panic("outside of the layer: " + name)
	}
	return nil, fs.ErrNotExist
}

// TestSparseBomb unpacks a layer of a few blocks in which one file claims an exabyte of zeros.
func TestSparseBomb(t *testing.T) {
	t.Parallel()
	v := &verifier{lister: &lister{ctx: t.Context()}, opts: VerifyOptions{MaxLayerBytes: 1 << 20, MaxEntries: 10}}
	pax := "30 GNU.sparse.realsize=1000000000000000000\n"
	pax = fmt.Sprintf("%d%s", len(pax), pax[2:])
	for _, record := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=bomb"} {
		pax += fmt.Sprintf("%d %s\n", len(record)+4, record)
	}
	var b bytes.Buffer
	header := func(name string, kind byte, body string) {
		h := make([]byte, 512)
		copy(h, name)
		copy(h[100:], "0000644\x000000000\x000000000\x00"+fmt.Sprintf("%011o", len(body))+"\x0000000000000\x00")
		copy(h[148:], "        ")
		h[156] = kind
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		b.Write(h)
		b.WriteString(body)
		b.Write(make([]byte, (512-len(body)%512)%512))
	}
	header("PaxHeaders/bomb", 'x', pax)
	header("GNUSparseFile/bomb", '0', "0\n"+strings.Repeat("\x00", 510))
	b.Write(make([]byte, 1024))
	_, err := v.readArchive(&b, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "more bytes than the limit") {
		t.Error(err)
	}
}

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// deletedDatabase makes a small database of which containers and layers were deleted.
func deletedDatabase(t testing.TB) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(name, 0o600, &bolt.Options{PageSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	fill := func(tx *bolt.Tx) error {
		for i := range 6 {
			if err := fillContainer(tx, fmt.Sprintf("container-%d", i), i); err != nil {
				return err
			}
		}
		return nil
	}
	remove := func(tx *bolt.Tx) error {
		k8s := tx.Bucket([]byte("v1")).Bucket([]byte("k8s.io"))
		return errors.Join(
			k8s.Bucket([]byte("containers")).DeleteBucket([]byte("container-1")), k8s.Bucket([]byte("containers")).DeleteBucket([]byte("container-4")),
			tx.Bucket([]byte("v1")).Bucket([]byte("snapshots")).DeleteBucket([]byte("k8s.io/4/container-4")),
		)
	}
	if err := errors.Join(db.Update(fill), db.Update(remove), db.Close()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func fillContainer(tx *bolt.Tx, id string, i int) error {
	at := func(names ...string) *bolt.Bucket {
		b, err := tx.CreateBucketIfNotExists([]byte(names[0]))
		for _, n := range names[1:] {
			if err == nil {
				b, err = b.CreateBucketIfNotExists([]byte(n))
			}
		}
		if err != nil {
			panic(err)
		}
		return b
	}
	stamp, _ := time.Unix(1700000000+int64(i), 0).UTC().MarshalBinary()
	c := at("v1", "k8s.io", "containers", id)
	s := at("v1", "snapshots", fmt.Sprintf("k8s.io/%d/%s", i, id))
	return errors.Join(
		c.Put([]byte("createdat"), stamp), c.Put([]byte("image"), []byte("web:1")), c.Put([]byte("snapshotKey"), []byte(id)), c.Put([]byte("snapshotter"), []byte("overlayfs")),
		c.Put([]byte("updatedat"), stamp), at("v1", "k8s.io", "containers", id, "extensions").Put([]byte(criContainer), inAny(strings.Replace(criSeed, "abcd", id, 1))),
		at("v1", "k8s.io", "snapshots", "overlayfs", id).Put([]byte("name"), fmt.Appendf(nil, "k8s.io/%d/%s", i, id)),
		s.Put([]byte("id"), binary.AppendUvarint(nil, uint64(i))), s.Put([]byte("createdat"), stamp), s.Put([]byte("kind"), []byte{2}),
	)
}

// recoverAll does with a database what List does with its free pages.
func recoverAll(raw []byte) (found []Container, layers *layerStore, f *freed) {
	f = findFreed(bytes.NewReader(raw), int64(len(raw)))
	if f == nil {
		return nil, nil, nil
	}
	l := &lister{ctx: context.Background(), snapshots: snapshots{}}
	s := &store{root: Root{Path: "root"}, meta: "meta.db"}
	found = l.recovered(s, f)
	l.snapshots.of(s.root).recover(overlaySnapshotter, f)
	return found, l.snapshots.of(s.root), f
}

func TestRecoverAll(t *testing.T) {
	t.Parallel()
	found, layers, _ := recoverAll(deletedDatabase(t))
	ids := map[string]bool{}
	for _, c := range found {
		ids[c.ID] = true
	}
	if !ids["container-1"] || !ids["container-4"] || layers.layers["overlayfs\x00k8s.io/4/container-4"].id != 4 {
		t.Errorf("%+v, %+v", found, layers.layers)
	}
}

// FuzzRecovery changes bytes at several places of a database of which containers were deleted.
func FuzzRecovery(f *testing.F) {
	sound := deletedDatabase(f)
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0, 8, 8, 1, 0, 16, 9, 255})
	f.Fuzz(func(t *testing.T, edits []byte) {
		raw := slices.Clone(sound)
		for ; len(edits) >= 4; edits = edits[4:] {
			at := int(edits[0])<<16 | int(edits[1])<<8 | int(edits[2])
			raw[at%len(raw)] = edits[3]
		}
		found, _, _ := recoverAll(raw)
		for _, c := range found {
			if !c.Recovered || c.ID == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

// TestHostilePages has free pages whose every element leads to one large page, over and over: the search ends by its own
// limits, and says so.
func TestHostilePages(t *testing.T) {
	t.Parallel()
	raw := deletedDatabase(t)
	const pageSize = 1024
	first := len(raw) / pageSize
	raw = append(raw, make([]byte, 4000*pageSize)...)
	le := binary.LittleEndian
	for id := first; id < first+2000; id++ {
		page := raw[id*pageSize:]
		le.PutUint64(page, uint64(id))
		le.PutUint16(page[8:], leafFlag)
		le.PutUint16(page[10:], 40)
		le.PutUint32(page[12:], 1500)
		for i := range 40 { // each a bucket whose root is the next page, with all its overflow
			e := page[pageHeader+i*elementSize:]
			le.PutUint32(e, bucketFlag)
			le.PutUint32(e[4:], uint32(900-i*elementSize))
			le.PutUint32(e[8:], 4)
			le.PutUint32(e[12:], bucketHeader)
		}
		copy(page[900+pageHeader:], "name")
		le.PutUint64(page[900+pageHeader+4:], uint64(first+(id-first+1)%2000))
	}
	_, _, f := recoverAll(raw)
	if f == nil || f.bytes >= 0 && f.count >= 0 {
		t.Error("the search went through all of it")
	}
}
