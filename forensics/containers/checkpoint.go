package containers

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Checkpoint is an archive that the kubelet made of a running container, with the memory of its processes.
type Checkpoint struct {
	Path         string    `json:"path"` // on the disk
	Size         int64     `json:"size"`
	Modified     time.Time `json:"modified,omitzero"`
	ContainerID  string    `json:"containerID,omitempty"`
	Container    string    `json:"container,omitempty"`
	Pod          string    `json:"pod,omitempty"`
	PodNamespace string    `json:"podNamespace,omitempty"`
	PodUID       string    `json:"podUID,omitempty"`
	Image        string    `json:"image,omitempty"`
	Runtime      string    `json:"runtime,omitempty"`
	Created      time.Time `json:"created,omitzero"`      // the container
	Checkpointed time.Time `json:"checkpointed,omitzero"` // by the node's clock
	Memory       int64     `json:"memory"`                // bytes of the processes' memory in the archive
	Changes      bool      `json:"changes,omitempty"`     // it holds the files that the container changed
}

const (
	maxCheckpoints       = 1000
	maxCheckpointEntries = 100_000
)

// checkpointConfig is the part of config.dump that is used.
type checkpointConfig struct {
	ID              string
	Name            string
	RootfsImageName string
	OCIRuntime      string `json:"runtime"`
	CreatedTime     time.Time
	CheckpointedAt  time.Time `json:"checkpointedTime"`
}

// checkpointSpec is the part of spec.dump, an OCI runtime specification, that is used.
type checkpointSpec struct {
	Annotations map[string]string `json:"annotations"`
}

// checkpoints reads the kubelet's archives. They are not unpacked: what they are of and what is in them is told.
func (l *lister) checkpoints(dir string) {
	for _, e := range l.list(dir) {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".tar") {
			continue
		}
		name := path.Join(dir, e.Name())
		if len(l.out.Checkpoints) == maxCheckpoints {
			l.problem(name, fmt.Errorf("more than %d checkpoints", maxCheckpoints))
			return
		}
		c, err := l.checkpoint(name, e)
		if err != nil {
			l.problem(name, err)
		}
		l.out.Checkpoints = append(l.out.Checkpoints, c)
	}
}

func (l *lister) checkpoint(name string, e fs.DirEntry) (Checkpoint, error) {
	c := Checkpoint{Path: name}
	info, err := e.Info()
	if err != nil {
		return c, err
	}
	c.Size, c.Modified = info.Size(), l.moment(name, info.ModTime())
	if !info.Mode().IsRegular() {
		return c, fmt.Errorf("%s is no archive", info.Mode().Type())
	}
	open, err := l.disk.OpenFound(info)
	if err != nil {
		return c, err
	}
	defer func() { _ = open.Close() }()
	file, ok := open.(volume.File)
	if !ok {
		return c, errors.New("it cannot be read at any place")
	}
	err = c.read(io.NewSectionReader(file, 0, c.Size))
	c.Created, c.Checkpointed = l.moment(name, c.Created), l.moment(name, c.Checkpointed)
	return c, err
}

// read goes through an archive. It seeks over what it does not use.
func (c *Checkpoint) read(r io.ReadSeeker) error {
	archive := tar.NewReader(r)
	for range maxCheckpointEntries {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		if err := c.entry(h, archive); err != nil {
			return fmt.Errorf("%q in the archive: %w", clip(h.Name), err)
		}
	}
	return fmt.Errorf("the archive has more than %d entries", maxCheckpointEntries)
}

func (c *Checkpoint) entry(h *tar.Header, content io.Reader) error {
	name := strings.TrimPrefix(path.Clean(h.Name), "/")
	switch {
	case h.Typeflag != tar.TypeReg:
		return nil
	case strings.HasPrefix(name, "checkpoint/pages-"):
		c.Memory += max(h.Size, 0)
	case name == "rootfs-diff.tar":
		c.Changes = h.Size > 0
	case name == "config.dump":
		var config checkpointConfig
		if err := decodeSmall(content, &config); err != nil {
			return err
		}
		c.ContainerID, c.Container, c.Image, c.Runtime = clip(config.ID), clip(config.Name), clip(config.RootfsImageName), clip(config.OCIRuntime)
		c.Created, c.Checkpointed = config.CreatedTime, config.CheckpointedAt
	case name == "spec.dump":
		var spec checkpointSpec
		if err := decodeSmall(content, &spec); err != nil {
			return err
		}
		c.annotate(spec.Annotations)
	}
	return nil
}

// annotate reads what containerd and CRI-O write into the specification.
func (c *Checkpoint) annotate(a map[string]string) {
	for into, keys := range map[*string][]string{
		&c.Container:    {"io.kubernetes.cri.container-name", "io.kubernetes.container.name"},
		&c.Pod:          {"io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"},
		&c.PodNamespace: {"io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"},
		&c.PodUID:       {"io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"},
	} {
		for _, key := range keys {
			if a[key] != "" {
				*into = clip(a[key])
				break
			}
		}
	}
}

func decodeSmall(r io.Reader, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err != nil {
		return err
	}
	if len(raw) > maxJSON {
		return fmt.Errorf("more than %d bytes", maxJSON)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}
