package containers

import (
	"encoding/json"
	"fmt"
	"path"
	"time"
)

// dockerConfig is the part of config.v2.json that is used.
type dockerConfig struct {
	ID      string
	Name    string
	Created time.Time
	Driver  string
	Image   string // digest of its configuration
	LogPath string
	// ImageManifest is there from Docker 25 on, where containerd keeps the images.
	ImageManifest *struct {
		Digest string `json:"digest"`
	}
	State *struct {
		Running, Paused, Dead bool
		ExitCode              int
		StartedAt, FinishedAt time.Time
	}
	Config *struct {
		Image  string
		Labels map[string]string
	}
}

func (l *lister) docker(root Root) {
	dir := path.Join(root.Path, "containers")
	entries, err := l.disk.ReadDir(dir)
	if err != nil {
		l.problem(dir, err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name(), dockerFile)
		if !e.IsDir() {
			continue
		}
		c, err := l.dockerContainer(root, e.Name(), name)
		if err != nil {
			l.problem(name, err)
			continue
		}
		l.add(c)
	}
}

func (l *lister) dockerContainer(root Root, id, name string) (Container, error) {
	raw, err := l.small(name)
	if err != nil {
		return Container{}, err
	}
	var d dockerConfig
	if err := json.Unmarshal(raw, &d); err != nil {
		return Container{}, fmt.Errorf("decode: %w", err)
	}
	if d.ID != id {
		l.problem(name, fmt.Errorf("the file says id %q, its directory %q", clip(d.ID), clip(id)))
	}
	c := Container{
		ID: clip(id), Name: clip(trimSlash(d.Name)), Runtime: string(Docker), Created: l.moment(name, d.Created), Log: clip(d.LogPath), Source: name,
		ImageDigest: clip(d.Image), Rootless: l.rootless(root),
	}
	if d.ImageManifest != nil && d.ImageManifest.Digest != "" {
		c.ImageDigest = clip(d.ImageManifest.Digest)
	}
	l.dockerLayers(root, d.Driver, id, &c)
	if d.Config != nil {
		c.Image, c.Labels = clip(d.Config.Image), clipLabels(d.Config.Labels)
		c.fromLabels()
	}
	if d.State != nil {
		c.State = dockerState(d.State.Running, d.State.Paused, d.State.StartedAt)
		c.Started, c.Finished = l.moment(name, d.State.StartedAt), l.moment(name, d.State.FinishedAt)
		if c.State == "exited" {
			c.ExitCode = &d.State.ExitCode
		}
	}
	return c, nil
}

func dockerState(running, paused bool, started time.Time) string {
	switch {
	case paused:
		return "paused"
	case running:
		return "running"
	case never(started):
		return "created"
	}
	return "exited"
}

func trimSlash(name string) string {
	if len(name) > 0 && name[0] == '/' {
		return name[1:]
	}
	return name
}
