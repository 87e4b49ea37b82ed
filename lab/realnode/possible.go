package realnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/firebreak-ir/firebreak/lab/realnode/ociimage"
)

// ErrNotRoot is the reason for which there is no real node for an ordinary user.
var ErrNotRoot = errors.New("a real node needs root, for mounts and namespaces")

// Possible says whether this machine can run a real node with the programs in bin, and what it lacks otherwise.
func Possible(ctx context.Context, bin string) error {
	if os.Getuid() != 0 {
		return ErrNotRoot
	}
	failed := []error{kernelHas(ctx, "overlay"), kernelHas(ctx, "ext4"), fileExists("/dev/loop-control")}
	for _, name := range Programs() {
		failed = append(failed, fileExists(filepath.Join(bin, name)))
	}
	for program, pkg := range map[string]string{"unshare": "util-linux", "nsenter": "util-linux", "mount": "mount", "losetup": "mount", "ip": "iproute2"} {
		if _, err := exec.LookPath(program); err != nil {
			failed = append(failed, fmt.Errorf("no %q on this machine; install it with: apt-get install %s", program, pkg))
		}
	}
	_, noBusybox := ociimage.FindBusybox()
	_, noRunc := findRunc(ctx, bin)
	if err := errors.Join(append(failed, noBusybox, noRunc)...); err != nil {
		return err
	}
	return Able(ctx)
}

func kernelHas(ctx context.Context, name string) error {
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(known)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[len(fields)-1] == name {
			return nil
		}
	}
	if exec.CommandContext(ctx, "modprobe", name).Run() == nil {
		return nil
	}
	return fmt.Errorf("the kernel has no %q file system", name)
}

func fileExists(path string) error {
	_, err := os.Stat(path)
	return err
}
