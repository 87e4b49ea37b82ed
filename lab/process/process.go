// Package process starts the lab's servers as detached children and ends exactly what it started, also after a crash.
//
// Everything a lab does to the machine is written to DIR/state.json before it happens, in order:
//
//	g, err := process.Open(dir)
//	err = g.OnDown(process.Cleanup{Kind: process.DetachLoop, Target: image}) // first the promise to undo it,
//	…                                                                        // then losetup
//	err = g.Start(ctx, process.Spec{
//		Name: "etcd", Path: bin + "/etcd", Args: []string{"--data-dir", dir + "/etcd"},
//		Ready: process.HTTPReady(client, url+"/health"), Within: 20 * time.Second,
//	})
//	rows, err := g.Status() // what is recorded and whether it still runs
//	err = g.Down(ctx)       // the reverse of everything above; a second Down does nothing
//
// A child runs in its own session, writes to DIR/logs/NAME.log, and carries a marker in its environment that names the
// lab and itself. It is recorded as pid, kernel start time and boot, so that a pid that somebody else got later is never
// signalled. The marker finds the children (and their children) that a killed `lab up` had no time to record.
// A Cleanup must be harmless when there is nothing to undo: Down may run it for a step that never happened.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Spec describes one child to start.
type Spec struct {
	Name string   // unique in the group; names the log file
	Path string   // the program, absolute or found in PATH
	Args []string // without the program's name
	Env  []string // added to PATH, HOME, TMPDIR and the marker; nothing else is inherited
	Dir  string   // working directory; the group's directory when empty
	// Ready is asked again and again until it answers nil; nil means ready as soon as the child runs.
	Ready  func(context.Context) error
	Within time.Duration // how long Ready may take; 30 s when zero
	Grace  time.Duration // between TERM and KILL on the way down; 10 s when zero
}

// Group is the record of one lab directory.
type Group struct {
	dir   string
	undo  map[string]Undo
	state stateFile
}

// Option changes how a group is opened.
type Option func(*Group)

// WithCleanup teaches the group one more kind of cleanup.
func WithCleanup(kind string, undo Undo) Option {
	return func(g *Group) { g.undo[kind] = undo }
}

// ForeignError is a directory that holds things and no record of ours: nothing of it is touched.
type ForeignError struct{ Dir string }

func (e ForeignError) Error() string {
	return fmt.Sprintf("directory %q holds other things than a lab; name one that is empty, or does not exist yet", e.Dir)
}

// Recorded says whether dir is a group's.
func Recorded(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, stateName))
	return err == nil
}

// Open makes dir when needed and reads what is recorded in it. It takes an empty directory, or one that was a group's
// before, and answers ForeignError for any other.
func Open(dir string, options ...Option) (*Group, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open lab directory %q: %w", dir, err)
	}
	g := &Group{dir: absolute, undo: builtinCleanups(), state: stateFile{path: filepath.Join(absolute, stateName)}}
	if err := errors.Join(os.MkdirAll(absolute, 0o700), g.state.claim()); err != nil {
		return nil, fmt.Errorf("open lab directory: %w", err)
	}
	for _, option := range options {
		option(g)
	}
	if _, err := g.state.read(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(absolute, "logs"), 0o700); err != nil {
		return nil, fmt.Errorf("open lab directory %q: %w", absolute, err)
	}
	return g, nil
}

// Dir is the group's directory.
func (g *Group) Dir() string { return g.dir }

// Log is where the named child's output goes.
func (g *Group) Log(name string) string { return filepath.Join(g.dir, "logs", name+".log") }

// OnDown records what Down has to undo. Call it before doing the thing.
func (g *Group) OnDown(c Cleanup) error {
	if _, known := g.undo[c.Kind]; !known {
		return fmt.Errorf("record cleanup of %q: no cleanup kind %q", c.Target, c.Kind)
	}
	return g.state.change(func(entries []Entry) ([]Entry, error) {
		return append(entries, Entry{Cleanup: &c}), nil
	})
}

// Start runs the child and waits until it is ready. When the child ends before that, or is not ready in time, the error
// quotes the last lines of its log; the child stays recorded, so that Down ends it.
func (g *Group) Start(ctx context.Context, spec Spec) error {
	if err := g.intend(spec); err != nil {
		return err
	}
	exited, err := g.launch(spec)
	if err != nil {
		return fmt.Errorf("start %q: %w", spec.Name, err)
	}
	if err := awaitReady(ctx, spec, exited); err != nil {
		return fmt.Errorf("start %q: %w%s", spec.Name, err, quoteTail(g.Log(spec.Name)))
	}
	return nil
}

// intend records the child before it exists, so that its marker can be looked for after a crash.
func (g *Group) intend(spec Spec) error {
	return g.state.change(func(entries []Entry) ([]Entry, error) {
		for _, e := range entries {
			if e.Process != nil && e.Process.Name == spec.Name {
				return nil, fmt.Errorf("start %q: already recorded in %q; take the lab down first", spec.Name, g.dir)
			}
		}
		record := &Process{Name: spec.Name, Path: spec.Path, Args: spec.Args, Grace: spec.grace()}
		return append(entries, Entry{Process: record}), nil
	})
}

// launch starts the child and records its identity; the channel delivers how it ended.
func (g *Group) launch(spec Spec) (<-chan error, error) {
	log, err := os.OpenFile(g.Log(spec.Name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := g.command(spec, log)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	id, err := identify(cmd.Process.Pid)
	if err != nil {
		return exited, nil // it ended already: awaitReady says so and quotes its log
	}
	return exited, g.state.change(func(entries []Entry) ([]Entry, error) {
		for i := range entries {
			if p := entries[i].Process; p != nil && p.Name == spec.Name {
				p.ID = id
			}
		}
		return entries, nil
	})
}

func (g *Group) command(spec Spec, log *os.File) *exec.Cmd {
	cmd := exec.Command(spec.Path, spec.Args...) //nolint:noctx // it outlives the program that starts it; Down ends it
	cmd.Dir = spec.Dir
	if cmd.Dir == "" {
		cmd.Dir = g.dir
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Env = append(append(cmd.Env, spec.Env...), g.marker(spec.Name))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// marker is the environment entry by which a child of this group is known.
func (g *Group) marker(name string) string { return markerName + "=" + g.dir + "#" + name }

func (s Spec) grace() time.Duration {
	if s.Grace == 0 {
		return 10 * time.Second
	}
	return s.Grace
}

// Down undoes everything recorded, the newest first. What cannot be undone stays recorded and is reported; the rest is
// undone all the same.
func (g *Group) Down(ctx context.Context) error {
	entries, err := g.state.read()
	if err != nil {
		return err
	}
	var failed []error
	for i := len(entries) - 1; i >= 0; i-- {
		if err := g.undoEntry(ctx, entries[i]); err != nil {
			failed = append(failed, err)
			continue
		}
		if err := g.state.remove(i); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
	return errors.Join(failed...)
}

func (g *Group) undoEntry(ctx context.Context, e Entry) error {
	if e.Process != nil {
		return g.stop(ctx, *e.Process)
	}
	undo, known := g.undo[e.Cleanup.Kind]
	if !known {
		return fmt.Errorf("undo %q: no cleanup kind %q", e.Cleanup.Target, e.Cleanup.Kind)
	}
	if err := undo(ctx, e.Cleanup.Target); err != nil {
		return fmt.Errorf("%s %q: %w", e.Cleanup.Kind, e.Cleanup.Target, err)
	}
	return nil
}
