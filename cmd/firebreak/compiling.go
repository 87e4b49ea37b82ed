package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/library"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/signing"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
	"github.com/firebreak-ir/firebreak/triggers/falco"
)

// lockName is the file beside a playbook that says which files its calls mean.
const lockName = "firebreak.lock"

// compile compiles a playbook with what stands beside it: the alerts of its schedules, the playbooks that it calls and the
// lock file.
func (a *app) compile(s source) (plan.Plan, []syntax.Problem) {
	p, _, problems := a.compileAll(s)
	return p, problems
}

// compileAll also gives what the plan was made of: a signature covers that, and nothing that was read another time.
func (a *app) compileAll(s source) (plan.Plan, signing.Content, []syntax.Problem) {
	content := signing.Content{Playbook: s.raw, Files: map[string][]byte{}}
	o := a.options(s)
	lock, raw, err := readLock(s)
	if err != nil {
		return plan.Plan{}, content, []syntax.Problem{{
			Position: syntax.Position{File: filepath.Join(filepath.Dir(s.name), lockName), Line: 1, Column: 1}, Rule: "lock",
			Message: err.Error() + "; write it anew with firebreak lock",
		}}
	}
	o.Lock, content.Lock = lock, raw
	if read := o.Read; read != nil {
		o.Read = func(name string) ([]byte, error) {
			raw, err := read(name)
			content.Files[filepath.ToSlash(filepath.Clean(name))] = raw
			return raw, err
		}
	}
	p, problems := compile.With(s.name, s.raw, o)
	return p, content, problems
}

func (a *app) options(s source) compile.Options {
	o := compile.Options{
		Catalog: a.catalog(), Types: a.types, Alert: alertOf,
		Find: func(name string) ([]compile.Source, error) { return a.callable(s, name) },
	}
	if folder, ok := folderOf(s); ok {
		o.Read = func(name string) ([]byte, error) { return readWithin(folder, name) }
	}
	return o
}

// folderOf gives the folder of a playbook that stands in a file.
func folderOf(s source) (string, bool) {
	if s.name == stdin || shipped(s) {
		return "", false
	}
	return filepath.Dir(s.name), true
}

// shipped tells whether a playbook is one of the library's. A file in a folder that is called library is none.
func shipped(s source) bool {
	name, prefixed := strings.CutPrefix(s.name, library.Prefix)
	raw, known := library.Find(name)
	return prefixed && known && bytes.Equal(raw, s.raw)
}

// stdin is the name of a playbook that came through standard input.
const stdin = "<stdin>"

// mostAlert is the largest alert that a file may hold.
const mostAlert = 256 << 10

// readWithin reads a file below a folder, and follows no link out of it.
func readWithin(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			return nil, path.Err
		}
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostAlert))
}

// alertOf reads an alert in Falco's form.
func alertOf(raw []byte) (plan.Alert, error) { return falco.Decode(bytes.NewReader(raw)) }

// callable gives the playbooks of that name beside a playbook, and the library's.
func (a *app) callable(s source, name string) ([]compile.Source, error) {
	var out []compile.Source
	if folder, ok := folderOf(s); ok {
		found, err := a.shelf.named(folder, name)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if raw, known := library.Find(name); known {
		out = append(out, compile.Source{File: library.Prefix + name, Data: raw})
	}
	return out, nil
}

// called tells whether a file is the playbook of that name, without compiling it.
func called(s source, name string) bool {
	if !bytes.Contains(s.raw, []byte(name)) {
		return false
	}
	root, _ := syntax.Parse(s.name, s.raw)
	n := root.Get("metadata").Get("name")
	return n != nil && n.Text == name
}

func readLock(s source) (*compile.Lock, []byte, error) {
	folder, ok := folderOf(s)
	if !ok {
		return nil, nil, nil
	}
	raw, err := readFile(filepath.Join(folder, lockName), syntax.MaxBytes)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("the lock file cannot be read: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var lock compile.Lock
	if err := d.Decode(&lock); err != nil {
		return nil, nil, fmt.Errorf("the lock file is broken: %w", err)
	}
	return &lock, raw, nil
}

// sameLocked makes one entry of a playbook that is called several times.
func sameLocked(list []compile.Locked) []compile.Locked {
	slices.SortFunc(list, func(a, b compile.Locked) int {
		return strings.Compare(a.Name+" "+a.Version+" "+a.SHA256, b.Name+" "+b.Version+" "+b.SHA256)
	})
	return slices.Compact(list)
}
