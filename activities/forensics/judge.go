package forensics

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
)

// judge says whether a change stands out, and how much. Only changes in a container's own layer, in a layer that nobody
// owns and in a few places of the node count: the rest of a busy disk changes all the time.
func (c *change) judge() {
	where, inLayer := "/"+c.Path, c.Container != "" || c.Layer != ""
	whiteout := c.Type == lastwrites.Whiteout
	switch {
	case c.Unjudged != "" || !inLayer && !nodePlace(c.Path):
		return
	case inLayer:
		where = c.Inside
	}
	switch {
	case c.Kind == lastwrites.Deleted || whiteout:
		if strings.Contains(where, "/log/") || strings.HasSuffix(where, ".log") || strings.HasSuffix(where, "_history") {
			c.Severity, c.Title = "high", "A log was deleted"
		} else if whiteout {
			c.Severity, c.Title = "low", "A file of the image was deleted"
		}
	case isCron(where):
		c.Severity, c.Title = "high", "A cron entry was written"
	case isAccount(where):
		c.Severity, c.Title = "high", "A file that decides who may log in was written"
	case c.Setuid && c.Program:
		c.Severity, c.Title = "critical", "A program that runs with its owner's rights was written"
	case c.ELF():
		c.Severity, c.Title = "high", "A program was written"
	case c.Program:
		c.Severity, c.Title = "medium", "A script or an executable file was written"
	case isRuntime(where):
		c.Severity, c.Title = "medium", "A setting of the container runtime was written"
	case inLayer && c.Type == lastwrites.File && !c.mountPoint():
		c.Severity, c.Title = "low", "A file was written"
	}
}

// mountPoint tells the empty files that a runtime makes in every container's layer, to mount the pod's own over them.
func (c *change) mountPoint() bool {
	return c.Size == 0 && slices.Contains([]string{"/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/termination-log"}, c.Inside)
}

// nodePlace tells the places of a node where an attacker settles.
func nodePlace(p string) bool {
	return slices.ContainsFunc([]string{"etc/", "root/", "home/", "tmp/", "usr/", "opt/", "var/tmp/", "var/spool/cron/", "spool/cron/", "var/log/", "log/"},
		func(place string) bool {
			return strings.HasPrefix(p, place) && !strings.HasPrefix(p, "var/log/pods/") && !strings.HasPrefix(p, "log/pods/")
		})
}

func isCron(p string) bool {
	return strings.Contains(p, "/cron.") && strings.HasPrefix(p, "/etc/") || strings.HasPrefix(p, "/etc/crontab") || strings.Contains(p, "/spool/cron/") ||
		strings.HasPrefix(p, "/etc/systemd/system/") && strings.HasSuffix(p, ".timer")
}

func isAccount(p string) bool {
	names := []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/sudoers", "/etc/ld.so.preload"}
	return slices.Contains(names, p) || strings.HasPrefix(p, "/etc/sudoers.d/") || path.Base(p) == "authorized_keys" || strings.HasPrefix(p, "/etc/pam.d/")
}

// isRuntime tells the files that decide how a node's containers are run.
func isRuntime(p string) bool {
	return p == "/etc/docker/daemon.json" || strings.HasPrefix(p, "/etc/containerd/") || p == "/etc/crio/crio.conf" || strings.HasPrefix(p, "/etc/crio/crio.conf.d/")
}

// finding is the change in words. A path is quoted: an attacker chose it.
func (c *change) finding() Finding {
	where, place := c.where()
	when := ""
	if !c.Changed.IsZero() && c.Kind != lastwrites.Deleted { // when it was deleted, no time says
		when = " at " + c.Changed.Format("15:04:05.000 MST")
	}
	sentence := fmt.Sprintf("%s %s: %q%s", c.Title, where, place, when)
	if c.Alone {
		sentence += "; it stands in the file system's journal alone"
	}
	return Finding{
		ID: findingID(fmt.Sprint(c.Partition), c.Path, c.Title, c.SHA256), Title: c.Title, Severity: c.Severity, Path: oneLine(c.Path), Inside: oneLine(c.Inside),
		Container: oneLine(c.Container), Pod: oneLine(c.Pod), SHA256: c.SHA256, Alone: c.Alone, Sentence: oneLine(sentence),
	}
}

// headline says in one line what a finding is and where: its title alone is that of many.
func (f Finding) headline() string {
	where := "on the disk"
	switch {
	case f.Container != "" && f.Pod != "":
		where = fmt.Sprintf("in container %q of pod %q", f.Container, f.Pod)
	case f.Container != "":
		where = fmt.Sprintf("in container %q", f.Container)
	}
	return oneLine(fmt.Sprintf("%s %s: %q", f.Title, where, cmp.Or(f.Inside, f.Path)))
}

// findingID tells findings apart, and gives the same for the same.
func findingID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "f-" + hex.EncodeToString(sum[:16]) // long: who chooses the paths must not find two that share one
}

// where says where a change lies, and gives its path as it is seen there.
func (c *change) where() (where, p string) {
	switch {
	case c.Container != "" && c.Pod != "":
		return fmt.Sprintf("in container %q of pod %q", c.Container, c.Pod), c.Inside
	case c.Container != "":
		return fmt.Sprintf("in container %q", c.Container), c.Inside
	case c.Layer != "":
		return fmt.Sprintf("in layer %q, which no container owns", c.Layer), c.Inside
	}
	return "on the node", c.Path
}
