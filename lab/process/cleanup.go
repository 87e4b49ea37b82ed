package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// Cleanup is something other than a process that Down has to undo.
type Cleanup struct {
	Kind   string `json:"kind"`
	Target string `json:"target"`
}

// Undo undoes one cleanup; it answers nil when there is nothing to undo.
type Undo func(ctx context.Context, target string) error

// The kinds of cleanup that every group knows.
const (
	Unmount      = "unmount"       // everything mounted at or below the path Target
	DetachLoop   = "detach loop"   // every loop device backed by the file Target
	DeleteLink   = "delete link"   // the network interface Target
	DeleteNetns  = "delete netns"  // the named network namespace Target
	RemoveCgroup = "remove cgroup" // the cgroup directory Target with everything in it, after killing its processes
	Remove       = "remove"        // the file or directory tree Target, unless something is mounted below it
)

func builtinCleanups() map[string]Undo {
	return map[string]Undo{
		Unmount:      unmountBelow,
		DetachLoop:   detachLoop,
		DeleteLink:   deleteLink,
		DeleteNetns:  deleteNetns,
		RemoveCgroup: removeCgroup,
		Remove:       removeTree,
	}
}

func unmountBelow(_ context.Context, target string) error {
	for range 10 { // stacked mounts on one path show up again after the first unmount
		points, err := mountsBelow(target)
		if err != nil || len(points) == 0 {
			return err
		}
		for _, point := range points {
			if err := unmount(point); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("still mounted after ten tries")
}

// unmount tries the plain way first, so that a file system is clean; a busy one is detached from the tree.
func unmount(point string) error {
	err := syscall.Unmount(point, 0)
	for attempt := 0; errors.Is(err, syscall.EBUSY) && attempt < 20; attempt++ {
		time.Sleep(50 * time.Millisecond)
		err = syscall.Unmount(point, 0)
	}
	if errors.Is(err, syscall.EBUSY) {
		err = syscall.Unmount(point, syscall.MNT_DETACH)
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrNotExist) {
		return nil // gone in the meantime
	}
	return err
}

// mountsBelow lists the mount points at or below target, the deepest first.
func mountsBelow(target string) ([]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var points []string
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		if point := unescape.Replace(fields[4]); point == target || strings.HasPrefix(point, target+"/") {
			points = append(points, point)
		}
	}
	sort.SliceStable(points, func(i, j int) bool { return len(points[i]) > len(points[j]) })
	return points, nil
}

func detachLoop(ctx context.Context, image string) error {
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return err
	}
	var failed []error
	for _, file := range files {
		backing, err := os.ReadFile(file)
		name := strings.TrimSuffix(strings.TrimSpace(string(backing)), " (deleted)")
		if err != nil || name != image {
			continue
		}
		device := "/dev/" + filepath.Base(filepath.Dir(filepath.Dir(file)))
		failed = append(failed, run(ctx, "losetup", "--detach", device))
	}
	return errors.Join(failed...)
}

func deleteLink(ctx context.Context, name string) error {
	if _, err := os.Stat(filepath.Join("/sys/class/net", name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return run(ctx, "ip", "link", "delete", name)
}

func deleteNetns(ctx context.Context, name string) error {
	if _, err := os.Stat(filepath.Join("/run/netns", name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return run(ctx, "ip", "netns", "delete", name)
}

func removeTree(_ context.Context, target string) error {
	points, err := mountsBelow(target)
	if err != nil {
		return err
	}
	if len(points) > 0 {
		return fmt.Errorf("%q is still mounted", points[0])
	}
	return os.RemoveAll(target)
}

func run(ctx context.Context, name string, args ...string) error {
	output, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(output)))
	}
	return nil
}
