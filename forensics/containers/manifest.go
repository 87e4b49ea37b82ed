package containers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// manifest is the part of an OCI image manifest or index (image-spec 1.1) that is used.
type manifest struct {
	MediaType string       `json:"mediaType"`
	Manifests []descriptor `json:"manifests"` // of an index
	Config    descriptor   `json:"config"`
	Layers    []descriptor `json:"layers"`
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
}

// imageConfig is the part of an image's configuration that is used.
type imageConfig struct {
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

const (
	maxIndexDepth = 4
	maxManifests  = 200 // of one index
)

func (v *verifier) blobPath(digest string) (string, error) {
	sum, err := hexDigits(digest)
	return path.Join(v.root.Path, "io.containerd.content.v1.content/blobs/sha256", sum), err
}

// hexDigits gives what follows sha256: in a digest.
func hexDigits(digest string) (string, error) {
	sum, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", fmt.Errorf("digest %q is no SHA-256", clip(digest))
	}
	return sum, nil
}

// document reads a manifest or configuration. Its bytes are given even when they are not those of the digest, which the
// check says then; nil where there is nothing to read.
func (v *verifier) document(image storedImage, kind, digest string) []byte {
	name, err := v.blobPath(digest)
	return v.documentAt(image, kind, digest, name, err)
}

func (v *verifier) documentAt(image storedImage, kind, digest, name string, err error) []byte {
	c := Check{Image: image.name, Namespace: image.namespace, Kind: kind, Digest: clip(digest), State: Intact}
	var raw []byte
	if err == nil {
		raw, err = v.small(name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.unverified("it is not in the store")
	case err != nil:
		c.unverified("%v", err)
	default:
		if sum := sha256.Sum256(raw); "sha256:"+hex.EncodeToString(sum[:]) != digest {
			c.differ(Difference{Path: name, What: "changed", Field: "sha256", Want: digest, Got: "sha256:" + hex.EncodeToString(sum[:])})
		}
	}
	if key := kind + digest; !v.checked[key] {
		v.checked[key] = true
		v.checks = append(v.checks, c)
	}
	return raw
}

// manifest verifies what a digest names: a manifest, or an index of some.
func (v *verifier) manifest(image storedImage, digest string, depth int) {
	met := v.checked["manifest"+digest]
	raw := v.document(image, "manifest", digest)
	if raw == nil || met {
		return
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		v.problem(v.root.Path, fmt.Errorf("manifest %s of image %q: %w", clip(digest), image.name, err))
		return
	}
	if len(m.Manifests) > maxManifests || depth > maxIndexDepth {
		v.problem(v.root.Path, fmt.Errorf("manifest %s of image %q is an index of %d, %d levels deep", clip(digest), image.name, len(m.Manifests), depth))
		return
	}
	for _, of := range m.Manifests {
		if v.there(of.Digest) { // an index names images for machines that this node is not
			v.manifest(image, of.Digest, depth+1)
		}
	}
	if m.Config.Digest != "" {
		v.layersOf(image, m)
	}
}

func (v *verifier) there(digest string) bool {
	name, err := v.blobPath(digest)
	if err != nil {
		return false
	}
	_, err = v.disk.Lstat(name)
	return err == nil
}

func (v *verifier) layersOf(image storedImage, m manifest) {
	raw := v.document(image, "config", m.Config.Digest)
	if raw == nil {
		return
	}
	var config imageConfig
	if err := json.Unmarshal(raw, &config); err != nil {
		v.problem(v.root.Path, fmt.Errorf("configuration of image %q: %w", image.name, err))
		return
	}
	ids := config.RootFS.DiffIDs
	if len(ids) != len(m.Layers) || len(ids) > maxChain {
		if len(ids) > 0 { // attestations are images without layers of files
			v.problem(v.root.Path, fmt.Errorf("image %q has %d layers and %d digests of them", image.name, len(m.Layers), len(ids)))
		}
		return
	}
	chain := ""
	for i, id := range ids {
		chain = chainID(chain, id)
		v.unpacked(image, m.Layers[i], id, chain)
	}
}

// chainID is the digest of a layer with all below it (image-spec, config.md): containerd names snapshots for it.
func chainID(below, diffID string) string {
	if below == "" {
		return diffID
	}
	sum := sha256.Sum256([]byte(below + " " + diffID))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// unpacked verifies one layer of an image.
func (v *verifier) unpacked(image storedImage, layer descriptor, diffID, chain string) {
	dir := v.snapshotDir(image.namespace, chain)
	key := layer.Digest + "\x00" + diffID + "\x00" + dir
	if v.checked[key] || v.opts.Only != nil && !v.opts.Only[dir] {
		return
	}
	v.checked[key] = true
	c := Check{
		Image: image.name, Namespace: image.namespace, Kind: "layer", Digest: clip(layer.Digest), DiffID: clip(diffID), Layer: dir, State: Intact,
	}
	v.layer(&c, layer.Digest, diffID)
	if dir == "" && c.State == Intact {
		c.Why = "the layer is not unpacked on this disk; its blob is intact"
	}
	v.checks = append(v.checks, c)
}

// snapshotDir is where a chain of layers is unpacked, for the uppermost of them; "" where it is not.
func (v *verifier) snapshotDir(ns, chain string) string {
	in := v.snapshots.of(v.root)
	name, ok := in.names[overlaySnapshotter+"\x00"+ns+"\x00"+clip(chain)]
	if !ok {
		return ""
	}
	layer, ok := in.layers[overlaySnapshotter+"\x00"+name]
	if !ok {
		return ""
	}
	return layerDir(v.root, overlaySnapshotter, layer.id)
}
