package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/lab/process"
)

// Builder knows where the sources and the cache are.
type Builder struct {
	Source string // the directory with one module for each server
	Cache  string // where the programs are kept, below a directory named for the versions
	Assets string // KUBEBUILDER_ASSETS: a folder with kube-apiserver and etcd to use instead of our own; may be empty
	Out    io.Writer
	Live   bool // Out is a terminal, on which a line can be rewritten
	Now    func() time.Time
}

// Result says what Ensure did.
type Result struct {
	Binaries Binaries
	Built    []string // programs built now; the others were in the cache
	Took     time.Duration
}

// Ensure builds the programs that are not in the cache. Several labs may call it at once: one builds, the others wait.
func (b Builder) Ensure(ctx context.Context, servers []Server) (Result, error) {
	begin := b.Now()
	dir, err := b.directory(ctx)
	if err != nil {
		return Result{}, err
	}
	result := Result{Binaries: Binaries{Dir: filepath.Join(dir, "bin"), assets: b.assets()}}
	if err := errors.Join(os.MkdirAll(result.Binaries.Dir, 0o755), os.MkdirAll(filepath.Join(dir, "share"), 0o755)); err != nil {
		return Result{}, fmt.Errorf("make build cache: %w", err)
	}
	unlock, err := process.LockAloud(ctx, filepath.Join(dir, "lock"), b.Out, "another lab that is building the same servers")
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	for _, server := range servers {
		built, err := b.ensureServer(ctx, server, result.Binaries)
		if err != nil {
			return Result{}, fmt.Errorf("build %s: %w", server.Module, err)
		}
		result.Built = append(result.Built, built...)
	}
	result.Took = b.Now().Sub(begin)
	return result, nil
}

func (b Builder) ensureServer(ctx context.Context, server Server, have Binaries) (built []string, err error) {
	built = missing(server, have)
	if len(built) > 0 {
		err = b.build(ctx, server, built, filepath.Dir(have.Dir))
	}
	if err == nil {
		err = b.copyData(ctx, server, have)
	}
	return built, err
}

// build compiles into a directory beside bin and moves each program there when all are whole.
func (b Builder) build(ctx context.Context, server Server, names []string, dir string) error {
	if err := compilerFor(ctx, server); err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, ".build-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var packages []string
	for _, name := range names {
		packages = append(packages, server.Programs[name])
	}
	if err := b.compile(ctx, server, names, packages, work); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Rename(produced(work, server.Programs[name], name, len(names)), filepath.Join(dir, "bin", name)); err != nil {
			return err
		}
	}
	return nil
}

// produced is where go build put a program: under the package's last path element when it wrote into a directory.
func produced(work, pkg, name string, programs int) string {
	if programs == 1 {
		return filepath.Join(work, name)
	}
	return filepath.Join(work, filepath.Base(pkg))
}

func compilerFor(ctx context.Context, server Server) error {
	if !server.Cgo || HasC(ctx) {
		return nil
	}
	return errors.New("needs a C compiler and libseccomp; install them with: apt-get install " + strings.Join(CPackages(), " "))
}

// HasC says whether this machine can compile C against libseccomp, as runc needs it.
func HasC(ctx context.Context) bool {
	if exec.CommandContext(ctx, "pkg-config", "--exists", "libseccomp").Run() != nil {
		return false
	}
	for _, name := range []string{strings.Fields(os.Getenv("CC") + " gcc")[0], "cc", "clang"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}

// CPackages are the Debian packages that give what HasC asks for.
func CPackages() []string { return []string{"gcc", "libc6-dev", "pkg-config", "libseccomp-dev"} }
