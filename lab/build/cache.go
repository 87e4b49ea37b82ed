package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Binaries is a directory of finished programs.
type Binaries struct {
	Dir    string
	assets map[string]string
}

// Path is where the named program lies.
func (b Binaries) Path(name string) string {
	if path, other := b.assets[name]; other {
		return path
	}
	return filepath.Join(b.Dir, name)
}

// Data is where the named data file lies.
func (b Binaries) Data(name string) string {
	return filepath.Join(filepath.Dir(b.Dir), "share", name)
}

func missing(server Server, have Binaries) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(server.Programs)) {
		if _, err := os.Stat(have.Path(name)); err != nil {
			names = append(names, name)
		}
	}
	return names
}

// assets finds the programs that KUBEBUILDER_ASSETS offers. It counts only when it has both.
func (b Builder) assets() map[string]string {
	found := map[string]string{}
	for _, name := range []string{"kube-apiserver", "etcd"} {
		path := filepath.Join(b.Assets, name)
		if info, err := os.Stat(path); b.Assets == "" || err != nil || info.IsDir() {
			return nil
		}
		found[name] = path
	}
	return found
}

// Missing says which programs of the servers are not in the cache yet.
func (b Builder) Missing(ctx context.Context, servers []Server) ([]string, error) {
	dir, err := b.directory(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, server := range servers {
		names = append(names, missing(server, Binaries{Dir: filepath.Join(dir, "bin"), assets: b.assets()})...)
	}
	return names, nil
}

// directory names the cache for exactly these versions, flags and compiler.
func (b Builder) directory(ctx context.Context) (string, error) {
	key, err := b.Key(ctx)
	return filepath.Join(b.Cache, key), err
}

// Key names what the servers are made from on this machine. The compiler is asked for in a server's directory, as it is
// used there: the module around the working directory may choose another.
func (b Builder) Key(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH")
	cmd.Dir, cmd.Env = filepath.Join(b.Source, Servers()[0].Module), append(os.Environ(), "GOWORK=off")
	toolchain, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask go for its version (is Go installed? see go.dev/dl): %w", err)
	}
	return Key(b.Source, Servers(), string(toolchain))
}

// Key is a hash over all that the programs are made from.
func Key(source string, servers []Server, toolchain string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, toolchain)
	for _, server := range servers {
		fmt.Fprintln(sum, server.Module, server.LDFlags, server.Tags, server.Cgo)
		for _, name := range slices.Sorted(maps.Keys(server.Programs)) {
			fmt.Fprintln(sum, name, server.Programs[name])
		}
		for _, file := range []string{"go.mod", "go.sum"} {
			raw, err := os.ReadFile(filepath.Join(source, server.Module, file))
			if err != nil {
				return "", fmt.Errorf("hash server module: %w", err)
			}
			fmt.Fprintf(sum, "%s %d\n", file, len(raw))
			sum.Write(raw)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// copyData keeps the module's data files beside the programs, so that a lab does not need the module cache.
func (b Builder) copyData(ctx context.Context, server Server, have Binaries) error {
	for name, path := range server.Data.Files {
		if _, err := os.Stat(have.Data(name)); err == nil {
			continue
		}
		dir, err := b.command(ctx, server, []string{"list", "-m", "-f", "{{.Dir}}", server.Data.Module}).Output()
		if err != nil {
			return fmt.Errorf("find module %q: %w", server.Data.Module, err)
		}
		raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), path))
		if err != nil {
			return err
		}
		if err := os.WriteFile(have.Data(name)+".new", raw, 0o644); err != nil {
			return err
		}
		if err := os.Rename(have.Data(name)+".new", have.Data(name)); err != nil {
			return err
		}
	}
	return nil
}
