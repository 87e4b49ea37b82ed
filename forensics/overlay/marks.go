package overlay

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Namespace is the prefix of the attributes that overlayfs obeys in a mount.
type Namespace string

// The namespaces. Attributes of the other one are plain attributes of files: a container's root may set user.overlay.*,
// and must not hide a file from us that its kernel shows.
const (
	Trusted Namespace = "trusted.overlay." // the default
	User    Namespace = "user.overlay."    // of mounts with userxattr: runtimes without root
)

// Marks is what overlayfs wrote on a file of a layer.
type Marks struct {
	Whiteout bool   // the name is deleted
	Opaque   bool   // nothing shows through the directory from below
	Redirect string // the directory or file below has this name, or this path from the root of the view
	Metacopy bool   // the bytes are those of the file below
}

const (
	minMetacopy = 4 // bytes of the attribute, where it is not empty
	charDevice  = fs.ModeDevice | fs.ModeCharDevice
)

// Read reads the marks of a file of a layer, which tree gave. An error is an attribute that the kernel refuses as well, or
// one that cannot be read; the marks that could be read come along.
func (n Namespace) Read(tree volume.Tree, info fs.FileInfo) (Marks, error) {
	mode := info.Mode()
	if mode.Type() == charDevice {
		stat, ok := volume.StatOf(info)
		return Marks{Whiteout: ok && stat.Major == 0 && stat.Minor == 0}, nil
	}
	if !mode.IsDir() && !mode.IsRegular() {
		return Marks{}, nil
	}
	all, err := tree.Xattrs(info)
	if err != nil {
		err = fmt.Errorf("attributes: %w", err)
	}
	var m Marks
	if mode.IsDir() {
		m.Opaque = string(all[string(n)+"opaque"]) == "y"
	} else {
		_, marked := all[string(n)+"whiteout"]
		m.Whiteout = marked && info.Size() == 0
		copied, marked := all[string(n)+"metacopy"]
		m.Metacopy = marked && (len(copied) == 0 || len(copied) >= minMetacopy)
		if marked && !m.Metacopy {
			err = errors.Join(err, fmt.Errorf("attribute %smetacopy of %d bytes", n, len(copied)))
		}
	}
	m.Redirect = string(all[string(n)+"redirect"])
	return m, err
}

// checkRedirect refuses what the kernel refuses: names with slashes, and paths with empty, "." or ".." parts.
func checkRedirect(to string) error {
	if len(to) > maxRedirect {
		return fmt.Errorf("redirect of %d bytes", len(to))
	}
	parts := []string{to}
	if strings.HasPrefix(to, "/") {
		parts = strings.Split(to[1:], "/")
	}
	for _, part := range parts {
		if !validName(part) {
			return fmt.Errorf("redirect to %q", to)
		}
	}
	return nil
}

func validName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// IsWhiteout tells whether a file of a layer deletes its name: a character device 0:0, or an empty file marked so.
func IsWhiteout(tree volume.Tree, info fs.FileInfo) (bool, error) {
	m, err := Trusted.Read(tree, info)
	return m.Whiteout, err
}

// IsOpaque tells whether a directory of a layer hides the directory below.
func IsOpaque(tree volume.Tree, info fs.FileInfo) (bool, error) {
	m, err := Trusted.Read(tree, info)
	return m.Opaque, err
}

// Redirect gives the name, or the path from the root of the view when it begins with a slash, which the directory or file
// had in the layers below, or "" where it is its own.
func Redirect(tree volume.Tree, info fs.FileInfo) (string, error) {
	m, err := Trusted.Read(tree, info)
	return m.Redirect, err
}

// Metacopy tells whether a file of a layer holds metadata alone, so that its bytes are those of the file below.
func Metacopy(tree volume.Tree, info fs.FileInfo) (bool, error) {
	m, err := Trusted.Read(tree, info)
	return m.Metacopy, err
}

// visible gives the attributes that the view shows: those of overlayfs itself are hidden, escaped ones (of an overlay
// inside this one) have one prefix less.
func (n Namespace) visible(all map[string][]byte) map[string][]byte {
	out := make(map[string][]byte, len(all))
	for name, value := range all {
		rest, own := strings.CutPrefix(name, string(n))
		if !own {
			out[name] = value
		} else if inner, escaped := strings.CutPrefix(rest, "overlay."); escaped {
			out[string(n)+inner] = value
		}
	}
	return out
}
