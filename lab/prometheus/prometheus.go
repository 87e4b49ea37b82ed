// Package prometheus starts Debian's Prometheus on loopback, watching itself. The package is unpacked into the lab's cache
// and not installed: installed it would start a server of its own, on every address of the machine.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/firebreak-ir/firebreak/lab/process"
)

// Find gives the program: the machine's own, or the one in the cache.
func Find(cache string) (program string, found bool) {
	if own, err := exec.LookPath("prometheus"); err == nil {
		return own, true
	}
	program = filepath.Join(directory(cache), "usr", "bin", "prometheus")
	_, err := os.Stat(program)
	return program, err == nil
}

func directory(cache string) string { return filepath.Join(cache, "prometheus") }

// Ensure fetches the program unless it is there. Another directory takes the place of the finished one in one step.
func Ensure(ctx context.Context, cache string, out io.Writer) (string, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	unlock, err := process.LockAloud(ctx, directory(cache)+".lock", out, "another lab that is fetching Prometheus")
	if err != nil {
		return "", err
	}
	defer unlock()
	if program, found := Find(cache); found {
		return program, nil
	}
	fmt.Fprintln(out, "  prometheus: fetching Debian's package")
	next := directory(cache) + ".new"
	if err := errors.Join(os.RemoveAll(next), os.MkdirAll(next, 0o755)); err != nil {
		return "", err
	}
	if err := unpack(ctx, next); err != nil {
		return "", err
	}
	if err := os.Rename(next, directory(cache)); err != nil {
		return "", err
	}
	program, found := Find(cache)
	if !found {
		return "", fmt.Errorf("debian's package of Prometheus holds no %q", program)
	}
	return program, nil
}

// unpack fetches the package into dir and unpacks it there. A new machine has no package lists yet.
func unpack(ctx context.Context, dir string) error {
	if err := run(ctx, dir, "apt-get", "--quiet", "download", "prometheus"); err != nil {
		if err := run(ctx, dir, "apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300", "update"); err != nil {
			return err
		}
		if err := run(ctx, dir, "apt-get", "--quiet", "download", "prometheus"); err != nil {
			return err
		}
	}
	packages, err := filepath.Glob(filepath.Join(dir, "prometheus_*.deb"))
	if err != nil || len(packages) != 1 {
		return fmt.Errorf("apt-get fetched %d packages of Prometheus instead of one", len(packages))
	}
	return errors.Join(run(ctx, dir, "dpkg-deb", "--extract", packages[0], dir), os.Remove(packages[0]))
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C goes to the whole group
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, strings.TrimSpace(string(output)))
	}
	return ctx.Err()
}

// Spec is the server, with its data in dir.
func Spec(program, dir string, port int) (process.Spec, error) {
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(settings(listen)), 0o600); err != nil {
		return process.Spec{}, fmt.Errorf("write Prometheus' configuration: %w", err)
	}
	return process.Spec{
		Name: "prometheus", Path: program, Within: 30 * time.Second,
		Args: []string{
			"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + listen,
			"--storage.tsdb.retention.size=64MB",
		},
		Ready: process.HTTPReady(http.DefaultClient, "http://"+listen+"/-/ready"),
	}, nil
}

func settings(listen string) string {
	return fmt.Sprintf(`global: {scrape_interval: 1s}
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: [%q], labels: {cluster: lab}}]
`, listen)
}
