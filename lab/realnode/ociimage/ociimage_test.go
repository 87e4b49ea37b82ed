package ociimage

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestLayoutHoldsWhatItsIndexNames(t *testing.T) {
	files := read(t, write(t))
	var index manifestIndex
	decode(t, files["index.json"], &index)
	if len(index.Manifests) != 2 {
		t.Fatalf("got %d images", len(index.Manifests))
	}
	for _, entry := range index.Manifests {
		var body manifest
		decode(t, blob(t, files, entry), &body)
		var settings config
		decode(t, blob(t, files, body.Config), &settings)
		for i, layer := range body.Layers {
			blob(t, files, layer)
			if settings.RootFS.DiffIDs[i] != layer.Digest {
				t.Errorf("%s: layer %d is %s, config says %s", entry.Annotations, i, layer.Digest, settings.RootFS.DiffIDs[i])
			}
		}
	}
}

func TestSameImagesGiveTheSameBytes(t *testing.T) {
	if !bytes.Equal(write(t), write(t)) {
		t.Error("two builds differ")
	}
}

func write(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	busybox := []byte("not a real program")
	if err := Write(&out, time.Unix(1700000000, 0), Pause(busybox), Web(busybox)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for in := tar.NewReader(bytes.NewReader(raw)); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := files[header.Name]; twice {
			t.Errorf("%s is written twice", header.Name)
		}
		if files[header.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

// blob checks size and digest as an importer does.
func blob(t *testing.T, files map[string][]byte, d descriptor) []byte {
	t.Helper()
	digest := strings.TrimPrefix(d.Digest, "sha256:")
	raw := files["blobs/sha256/"+digest]
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != digest || len(raw) != d.Size {
		t.Errorf("blob %s does not match its digest or size", d.Digest)
	}
	return raw
}

func decode(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}
