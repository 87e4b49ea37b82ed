package containers

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"
)

// dockerLayers finds the layers of a Docker container: in Docker's own store up to version 28, and in containerd's, where
// Docker 29 keeps them in the namespace moby under the container's id.
func (l *lister) dockerLayers(root Root, driver, id string, c *Container) {
	var err error
	switch {
	case driver == "overlay2" && plain(id):
		c.Snapshotter = driver
		err = l.overlay2(root, id, c)
	case driver == overlaySnapshotter || driver == nativeSnapshotter:
		err = l.mobySnapshot(driver, id, c)
	case driver != "":
		err = fmt.Errorf("those of driver %q are not read", clip(driver))
	}
	if err != nil {
		c.Layers = nil
		l.problem(c.Source, fmt.Errorf("layers of container %q: %w", c.ID, err))
	}
}

// overlay2 follows layerdb to the directory of the container's own layer, and from there the file lower, which has the
// short links of the layers below, the uppermost first.
func (l *lister) overlay2(root Root, id string, c *Container) error {
	own, err := l.word(path.Join(root.Path, "image/overlay2/layerdb/mounts", id, "mount-id"))
	if err != nil {
		return err
	}
	base := path.Join(root.Path, "overlay2")
	c.Layer = path.Join(base, own, "diff")
	raw, err := l.small(path.Join(base, own, "lower"))
	if err != nil {
		return err
	}
	lower, err := lowerLinks(raw)
	if err != nil {
		return err
	}
	for _, link := range lower {
		dir, err := l.shortLink(base, link)
		if err != nil {
			return err
		}
		c.Layers = append([]string{dir}, c.Layers...)
	}
	c.Layers = append(c.Layers, c.Layer)
	return nil
}

// lowerLinks reads the file lower: l/LINK:l/LINK…
func lowerLinks(raw []byte) ([]string, error) {
	links := strings.Split(strings.TrimSpace(string(raw)), ":")
	if len(links) > maxChain {
		return nil, fmt.Errorf("%d layers", len(links))
	}
	for _, link := range links {
		name, ok := strings.CutPrefix(link, "l/")
		if !ok || !plain(name) {
			return nil, fmt.Errorf("%q is no link to a layer", clip(link))
		}
	}
	return links, nil
}

// shortLink resolves a link of the directory l, which is ../LAYER/diff. Nothing else is followed: the kernel of the node
// followed it once, and what stands there now may be an attacker's.
func (l *lister) shortLink(base, link string) (string, error) {
	target, err := l.disk.ReadLink(path.Join(base, link))
	if err != nil {
		return "", err
	}
	parts := strings.Split(target, "/")
	if len(parts) != 3 || parts[0] != ".." || !plain(parts[1]) || parts[2] != "diff" {
		return "", fmt.Errorf("link %q leads to %q", clip(link), clip(target))
	}
	return path.Join(base, parts[1], "diff"), nil
}

// word reads a file that holds one name.
func (l *lister) word(name string) (string, error) {
	raw, err := l.small(name)
	if err != nil {
		return "", err
	}
	if word := string(raw); plain(word) && len(word) <= 255 {
		return word, nil
	}
	return "", fmt.Errorf("%s holds %q, which is no name", name, clip(string(raw)))
}

// mobySnapshot finds a Docker container's layers in the disk's containerd stores.
func (l *lister) mobySnapshot(snapshotter, id string, c *Container) error {
	c.Snapshotter, c.Snapshot, c.Namespace = snapshotter, clip(id), cmp.Or(c.Namespace, "moby")
	for _, root := range l.out.Roots {
		if root.Kind != Containerd {
			continue
		}
		if _, ok := l.snapshots.of(root).names[snapshotter+"\x00moby\x00"+c.Snapshot]; ok {
			l.place(root, c)
			return nil
		}
	}
	return errors.New("no containerd store of this disk knows them")
}
