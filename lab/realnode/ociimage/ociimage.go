// Package ociimage builds the lab's container images from a static busybox, so that a node needs no registry.
package ociimage

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"
)

// Image is one image to build: its layers from the lowest up, and how a container of it starts.
type Image struct {
	Name    string // the full reference: registry, repository and tag
	Layers  []Layer
	Command []string
	Env     []string
	Dir     string
}

// Write writes an OCI image layout that holds the images as one tar, as `ctr images import` reads it. The same images
// and time give the same bytes.
func Write(w io.Writer, created time.Time, images ...Image) error {
	layout := layout{out: tar.NewWriter(w), created: created.UTC(), written: map[string]bool{}}
	if err := layout.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	index := manifestIndex{SchemaVersion: 2, MediaType: typeIndex}
	for _, image := range images {
		manifest, err := layout.image(image)
		if err != nil {
			return fmt.Errorf("build image %q: %w", image.Name, err)
		}
		index.Manifests = append(index.Manifests, manifest)
	}
	raw, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("build image index: %w", err)
	}
	if err := layout.file("index.json", raw); err != nil {
		return err
	}
	return layout.out.Close()
}

const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    *platform         `json:"platform,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type manifestIndex struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type config struct {
	platform
	Created time.Time     `json:"created"`
	Config  runtimeConfig `json:"config"`
	RootFS  rootFS        `json:"rootfs"`
}

type runtimeConfig struct {
	Env        []string `json:"Env,omitempty"`
	Entrypoint []string `json:"Entrypoint"`
	WorkingDir string   `json:"WorkingDir,omitempty"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

// layout writes blobs once, however many images share them.
type layout struct {
	out     *tar.Writer
	created time.Time
	written map[string]bool
}

func (l layout) image(image Image) (descriptor, error) {
	here := platform{Architecture: runtime.GOARCH, OS: "linux"}
	settings := config{platform: here, Created: l.created, RootFS: rootFS{Type: "layers"},
		Config: runtimeConfig{Env: image.Env, Entrypoint: image.Command, WorkingDir: image.Dir}}
	body := manifest{SchemaVersion: 2, MediaType: typeManifest}
	for _, layer := range image.Layers {
		raw, err := layer.tar(l.created)
		if err != nil {
			return descriptor{}, err
		}
		blob, err := l.blob(typeLayer, raw)
		if err != nil {
			return descriptor{}, err
		}
		body.Layers = append(body.Layers, blob)
		settings.RootFS.DiffIDs = append(settings.RootFS.DiffIDs, blob.Digest)
	}
	var err error
	if body.Config, err = l.json(typeConfig, settings); err != nil {
		return descriptor{}, err
	}
	result, err := l.json(typeManifest, body)
	result.Annotations = map[string]string{"io.containerd.image.name": image.Name}
	result.Platform = &here
	return result, err
}

func (l layout) json(mediaType string, value any) (descriptor, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return descriptor{}, err
	}
	return l.blob(mediaType, raw)
}

func (l layout) blob(mediaType string, raw []byte) (descriptor, error) {
	sum := sha256.Sum256(raw)
	digest := hex.EncodeToString(sum[:])
	result := descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(raw)}
	if l.written[digest] {
		return result, nil
	}
	l.written[digest] = true
	return result, l.file("blobs/sha256/"+digest, raw)
}

func (l layout) file(name string, raw []byte) error {
	header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(raw)), ModTime: l.created}
	if err := l.out.WriteHeader(header); err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	_, err := l.out.Write(raw)
	return err
}
