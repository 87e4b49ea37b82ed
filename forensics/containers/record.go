package containers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// record is what containerd's database holds of one container, whether it was read from the live tree or a freed page.
type record struct {
	fields     map[string][]byte // createdat, image, snapshotKey, …
	labels     map[string]string
	extensions map[string][]byte
}

// Keys of the extensions in which containerd's CRI plugin keeps what the kubelet asked for.
const (
	criContainer = "io.cri-containerd.container.metadata"
	criSandbox   = "io.cri-containerd.sandbox.metadata"
)

// criMetadata is the part of both extensions that is used.
type criMetadata struct {
	ID        string
	Name      string
	SandboxID string
	ImageRef  string
	LogPath   string
	Config    struct {
		Metadata struct {
			Name      string `json:"name"`
			UID       string `json:"uid"`
			Namespace string `json:"namespace"`
			Attempt   int    `json:"attempt"`
		} `json:"metadata"`
		Image struct {
			Image string `json:"image"`
			User  string `json:"user_specified_image"`
		} `json:"image"`
		Labels map[string]string `json:"labels"`
	}
}

type versioned struct {
	Version  string
	Metadata criMetadata
}

// decodeCRI reads the extension: a protobuf Any around versioned JSON.
func decodeCRI(raw []byte) (criMetadata, error) {
	value, err := anyValue(raw)
	if err != nil {
		return criMetadata{}, err
	}
	var m versioned
	if err := json.Unmarshal(value, &m); err != nil {
		return criMetadata{}, fmt.Errorf("decode: %w", err)
	}
	if m.Version != "v1" {
		return criMetadata{}, fmt.Errorf("version %q", clip(m.Version))
	}
	return m.Metadata, nil
}

// anyValue gives the second field of a google.protobuf.Any.
func anyValue(raw []byte) ([]byte, error) {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		raw = raw[n:]
		if number == 2 && kind == protowire.BytesType {
			value, n := protowire.ConsumeBytes(raw)
			return value, protowire.ParseError(min(n, 0))
		}
		if n = protowire.ConsumeFieldValue(number, kind, raw); n < 0 {
			return nil, protowire.ParseError(n)
		}
		raw = raw[n:]
	}
	return nil, fmt.Errorf("no value in the protobuf message")
}

// container makes a container of a record.
func (l *lister) container(ns, id, source string, r record) Container {
	c := Container{
		ID: clip(id), Namespace: clip(ns), Runtime: string(Containerd), Image: clip(string(r.fields["image"])),
		Snapshotter: clip(string(r.fields["snapshotter"])), Snapshot: clip(string(r.fields["snapshotKey"])), SandboxID: clip(string(r.fields["sandboxid"])), Source: source,
	}
	var created time.Time
	if created.UnmarshalBinary(r.fields["createdat"]) == nil {
		c.Created = l.moment(source, created)
	}
	c.Labels = clipLabels(r.labels)
	c.fromLabels()
	for _, key := range []string{criContainer, criSandbox} {
		raw, there := r.extensions[key]
		if !there {
			continue
		}
		m, err := decodeCRI(raw)
		if err != nil {
			l.problem(source, fmt.Errorf("container %q, extension %s: %w", c.ID, key, err))
			continue
		}
		c.fromCRI(m, key == criSandbox)
	}
	return c
}

// fromLabels reads what the kubelet writes on every container.
func (c *Container) fromLabels() {
	c.Pod, c.PodNamespace, c.PodUID = c.Labels["io.kubernetes.pod.name"], c.Labels["io.kubernetes.pod.namespace"], c.Labels["io.kubernetes.pod.uid"]
	c.Sandbox = c.Labels["io.cri-containerd.kind"] == "sandbox"
	if name := c.Labels["io.kubernetes.container.name"]; name != "" {
		c.Name = name
	}
	if c.Name == "" && c.Runtime == string(Containerd) {
		c.Name = c.Labels["nerdctl/name"]
	}
}

// fromCRI adds what only the CRI plugin's metadata says.
func (c *Container) fromCRI(m criMetadata, sandbox bool) {
	about := m.Config.Metadata
	c.Attempt = about.Attempt
	if sandbox {
		c.Sandbox = true
		c.Pod, c.PodNamespace, c.PodUID = cmp.Or(c.Pod, clip(about.Name)), cmp.Or(c.PodNamespace, clip(about.Namespace)), cmp.Or(c.PodUID, clip(about.UID))
		return
	}
	c.Name = cmp.Or(c.Name, clip(about.Name))
	c.SandboxID = cmp.Or(c.SandboxID, clip(m.SandboxID))
	c.Image = cmp.Or(c.Image, clip(m.Config.Image.User))
	c.ImageDigest = cmp.Or(c.ImageDigest, clip(m.ImageRef))
	c.Log = cmp.Or(c.Log, clip(m.LogPath))
	labels := m.Config.Labels
	c.Pod = cmp.Or(c.Pod, clip(labels["io.kubernetes.pod.name"]))
	c.PodNamespace = cmp.Or(c.PodNamespace, clip(labels["io.kubernetes.pod.namespace"]))
	c.PodUID = cmp.Or(c.PodUID, clip(labels["io.kubernetes.pod.uid"]))
}

// clipLabels bounds labels, and keeps those that say which pod it was whatever their number.
func clipLabels(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if len(out) < maxLabels || strings.HasPrefix(k, "io.kubernetes.") {
			out[clip(k)] = clip(in[k])
		}
	}
	return out
}
