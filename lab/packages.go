package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/firebreak-ir/firebreak/lab/build"
	"github.com/firebreak-ir/firebreak/lab/python"
	"github.com/firebreak-ir/firebreak/lab/realnode/disk"
	"github.com/firebreak-ir/firebreak/lab/realnode/ociimage"
)

// debianPackages lists what this machine lacks for the lab, as names of Debian packages.
func debianPackages(ctx context.Context, cache string, realNode, buildsC bool) []string {
	needs := map[string]string{
		"fls":  "sleuthkit", // not the lab's: the tests hold what the library reads and writes against it
		"yara": "yara",      // as well
	}
	if realNode {
		for program, pkg := range map[string]string{
			"unshare": "util-linux", "nsenter": "util-linux", "mount": "mount", "losetup": "mount", "ip": "iproute2",
			"mkfs.xfs": "xfsprogs", // root's path alone has it, and root's tests alone mount it
		} {
			needs[program] = pkg
		}
	}
	var lacking []string
	for program, pkg := range needs {
		if _, err := exec.LookPath(program); err != nil {
			lacking = append(lacking, pkg)
		}
	}
	for _, program := range disk.Needs() {
		if _, err := disk.Program(program); err != nil {
			lacking = append(lacking, "e2fsprogs")
		}
	}
	if _, err := ociimage.FindBusybox(); realNode && err != nil {
		lacking = append(lacking, "busybox-static")
	}
	if realNode && buildsC && !build.HasC(ctx) {
		lacking = append(lacking, build.CPackages()...)
	}
	if _, made := python.Find(cache); !made && python.NeedsPackages(ctx) {
		lacking = append(lacking, "python3", "python3-venv")
	}
	slices.Sort(lacking)
	return slices.Compact(lacking)
}

// installPackages installs as root, after saying what; anybody else is told the command.
func installPackages(ctx context.Context, packages []string, out io.Writer) error {
	if len(packages) == 0 {
		return nil
	}
	list := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return fmt.Errorf("this machine lacks what the Debian packages %s hold; install them with: sudo apt-get install %s", list, list)
	}
	fmt.Fprintf(out, "installing Debian packages: %s\n", list)
	install := append([]string{"install", "--yes", "--no-install-recommends", "--no-remove"}, packages...)
	if err := aptGet(ctx, out, install); err == nil {
		return nil
	}
	if err := aptGet(ctx, out, []string{"update"}); err != nil { // a new machine has no package lists yet
		return fmt.Errorf("install Debian packages: %w", err)
	}
	if err := aptGet(ctx, out, install); err != nil {
		return fmt.Errorf("install Debian packages: %w", err)
	}
	return nil
}

// aptGet runs to its end, whatever is interrupted meanwhile: broken off it leaves packages half configured. It waits
// for another one that is at work.
func aptGet(ctx context.Context, out io.Writer, args []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	said := context.AfterFunc(ctx, func() { fmt.Fprintln(out, "interrupted: waiting for apt-get to finish what it has begun") })
	defer said()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "apt-get", append([]string{"--quiet", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C goes to the whole group
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, strings.TrimSpace(string(output)))
	}
	return ctx.Err()
}
