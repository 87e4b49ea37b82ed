// Package python makes the virtual environment with the lab's Python programs: moto, docker-explorer and bagit.
package python

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
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

//go:embed requirements.txt
var requirements string

// ErrTooOld means that the requirements do not install on this machine's Python.
var ErrTooOld = errors.New("python3 3.10 or later is needed: put a newer one first on the PATH")

// ErrNoVenv means that this machine's Python cannot make virtual environments.
var ErrNoVenv = errors.New("python3 cannot make virtual environments here; install that with: apt-get install python3-venv")

// Env is a finished environment.
type Env struct{ Dir string }

// Python is the environment's interpreter.
func (e Env) Python() string { return e.program("python") }

// Moto is the server that answers as AWS.
func (e Env) Moto() string { return e.program("moto_server") }

// DockerExplorer reads a dead disk's /var/lib/docker.
func (e Env) DockerExplorer() string { return e.program("de.py") }

func (e Env) program(name string) string { return filepath.Join(e.Dir, "bin", name) }

// Possible says whether this machine can make the environment.
func Possible(ctx context.Context) error {
	if _, err := exec.LookPath("python3"); err != nil {
		return errors.New("python3 is not on the PATH; install it with: apt-get install python3 python3-venv")
	}
	if err := exec.CommandContext(ctx, "python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))").Run(); err != nil {
		return ErrTooOld
	}
	if err := exec.CommandContext(ctx, "python3", "-c", "import venv, ensurepip").Run(); err != nil {
		return ErrNoVenv
	}
	return nil
}

// NeedsPackages says whether Debian's packages of Python are what is missing; they are no newer Python.
func NeedsPackages(ctx context.Context) bool {
	err := Possible(ctx)
	return err != nil && !errors.Is(err, ErrTooOld)
}

// Find looks for a finished environment below cache.
func Find(cache string) (Env, bool) {
	sum := sha256.Sum256([]byte(requirements))
	env := Env{Dir: filepath.Join(cache, "python-"+hex.EncodeToString(sum[:8]))}
	_, err := os.Stat(filepath.Join(env.Dir, "complete"))
	return env, err == nil
}

// Ensure makes the environment unless it is there. A virtual environment cannot be moved, so it is made in place, and
// counts only with the mark that is written last.
func Ensure(ctx context.Context, cache string, out io.Writer) (Env, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return Env{}, fmt.Errorf("make cache: %w", err)
	}
	env, _ := Find(cache)
	unlock, err := process.LockAloud(ctx, env.Dir+".lock", out, "another lab that is installing the same Python packages")
	if err != nil {
		return Env{}, err
	}
	defer unlock()
	if _, complete := Find(cache); complete {
		return env, nil
	}
	if err := Possible(ctx); err != nil {
		return Env{}, err
	}
	return env, env.make(ctx, out)
}

func (e Env) make(ctx context.Context, out io.Writer) error {
	begin := time.Now()
	fmt.Fprintf(out, "  python: installing moto, docker-explorer and bagit (%d packages)\n", strings.Count(requirements, "=="))
	if err := os.RemoveAll(e.Dir); err != nil {
		return err
	}
	if err := run(ctx, "python3", "-m", "venv", e.Dir); err != nil {
		return fmt.Errorf("make virtual environment %q: %w", e.Dir, err)
	}
	list := filepath.Join(e.Dir, "requirements.txt")
	if err := os.WriteFile(list, []byte(requirements), 0o600); err != nil {
		return err
	}
	if err := e.pip(ctx, list, out); err != nil {
		return fmt.Errorf("install python packages: %w", err)
	}
	fmt.Fprintf(out, "  python: installed in %s\n", time.Since(begin).Round(time.Second))
	return os.WriteFile(filepath.Join(e.Dir, "complete"), nil, 0o600)
}

// pip installs the list and says every ten packages how far it is.
func (e Env) pip(ctx context.Context, list string, out io.Writer) error {
	cmd := exec.CommandContext(ctx, e.Python(), "-m", "pip", "install", "--no-input", "--no-compile", "--disable-pip-version-check", "--requirement", list)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	total, seen := strings.Count(requirements, "=="), 0
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		switch line := scanner.Text(); {
		case strings.HasPrefix(line, "Collecting "):
			if seen++; seen%10 == 0 {
				fmt.Fprintf(out, "  python: %d of %d packages\n", seen, total)
			}
		case strings.HasPrefix(line, "Installing collected packages"):
			fmt.Fprintln(out, "  python: all fetched, unpacking them")
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("pip: %w\n%s", err, strings.TrimSpace(complaints.String()))
	}
	return nil
}

func run(ctx context.Context, name string, args ...string) error {
	output, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, strings.TrimSpace(string(output)))
	}
	return nil
}
