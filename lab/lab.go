// Package lab puts real servers together on one machine: Temporal with its Web UI, a Kubernetes control plane with one
// real node and several played ones, and AWS as moto and a front of our own answer it.
//
// A lab lives in one directory. Everything listens on loopback, on ports that are free; labs with different directories
// run side by side.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/firebreak-ir/firebreak/lab/process"
)

// Lab is one lab, up or not.
type Lab struct {
	Dir   string
	Name  string
	Cache string // of programs, shared by all labs of this user
	Tree  Tree   // where the sources are
	Self  string // the program that serves `serve temporal` and `serve aws`
	Out   io.Writer
	Live  bool // Out is a terminal
	Now   func() time.Time
}

// Options are what a user may leave out, or name differently.
type Options struct {
	RealNode  bool
	UI        bool
	Install   bool   // install Debian packages when root
	Manifests string // the product's service account and roles
}

// CheckName refuses names that could not be a directory.
func CheckName(name string) error {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`).MatchString(name) {
		return fmt.Errorf("lab name %q: use up to 31 small letters, digits and dashes", name)
	}
	return nil
}

// Up starts what is not running. When it fails, it takes down what it had started; the logs stay.
func (l Lab) Up(ctx context.Context, options Options) (d Description, already bool, err error) {
	group, err := process.Open(l.Dir)
	if err != nil {
		return Description{}, false, err
	}
	unlock, free, err := process.TryLock(l.upLock())
	if err != nil {
		return Description{}, false, err
	}
	if !free {
		return Description{}, false, fmt.Errorf("another `lab up` is at work in %q", l.Dir)
	}
	defer unlock()
	made, err := l.made(ctx)
	if err != nil {
		return Description{}, false, err
	}
	if d, up, err := l.running(group, made); err != nil || up {
		return d, up, errors.Join(err, l.refresh(ctx, &d, options, up))
	}
	if err := l.clear(ctx, group); err != nil {
		return Description{}, false, err
	}
	d, err = l.start(ctx, group, options, made)
	if err != nil {
		downErr := l.clear(context.WithoutCancel(ctx), group)
		return Description{}, false, errors.Join(err, downErr)
	}
	return d, false, nil
}

// running says whether the lab is wholly up, and made of what would be started now.
func (l Lab) running(group *process.Group, now Made) (Description, bool, error) {
	d, written, err := Load(l.Dir)
	if err != nil || !written {
		return Description{}, false, err
	}
	if d.Made != now {
		fmt.Fprintf(l.Out, "the lab was started from other programs (%s) than there are now (%s): starting it anew\n", d.Made, now)
		return Description{}, false, nil
	}
	rows, err := group.Status()
	if err != nil {
		return Description{}, false, err
	}
	for _, row := range rows {
		if !row.Running {
			fmt.Fprintf(l.Out, "%s has ended, see %s: starting the lab anew\n", row.Name, row.Log)
			return Description{}, false, nil
		}
	}
	return d, len(rows) > 0, nil
}

// clear ends what an earlier lab left, and removes its data.
func (l Lab) clear(ctx context.Context, group *process.Group) error {
	empty, err := group.Empty()
	if err != nil {
		return err
	}
	if !empty {
		fmt.Fprintln(l.Out, "taking down what runs in "+l.Dir)
	}
	if err := os.RemoveAll(filepath.Join(l.Dir, fileName)); err != nil { // from now on it is not up
		return err
	}
	if err := group.Down(ctx); err != nil {
		return fmt.Errorf("take the lab down: %w", err)
	}
	return nil
}

// Down ends exactly what Up started, also when Up was killed.
func (l Lab) Down(ctx context.Context) (wasUp bool, err error) {
	if !process.Recorded(l.Dir) {
		return false, nil
	}
	group, err := process.Open(l.Dir)
	if err != nil {
		return false, err
	}
	unlock, free, err := process.TryLock(l.upLock())
	if err != nil {
		return false, err
	}
	if !free {
		return false, fmt.Errorf("`lab up` is still at work in %q: interrupt it, it takes down what it started", l.Dir)
	}
	defer unlock()
	empty, err := group.Empty()
	if err != nil {
		return false, err
	}
	return !empty, l.clear(ctx, group)
}

func (l Lab) upLock() string { return filepath.Join(l.Dir, "up.lock") }

// State is a lab seen from outside.
type State struct {
	Name        string        `json:"name"`
	Dir         string        `json:"dir"`
	Up          bool          `json:"up"`
	Processes   []process.Row `json:"processes"`
	Description *Description  `json:"lab,omitempty"`
}

// Status says what is recorded and what of it runs. It changes nothing.
func (l Lab) Status() (State, error) {
	state := State{Name: l.Name, Dir: l.Dir}
	if !process.Recorded(l.Dir) {
		return state, nil
	}
	group, err := process.Open(l.Dir)
	if err != nil {
		return State{}, err
	}
	if state.Processes, err = group.Status(); err != nil {
		return State{}, err
	}
	d, written, err := Load(l.Dir)
	if err != nil || !written {
		return state, err
	}
	state.Description, state.Up = &d, len(state.Processes) > 0
	for _, row := range state.Processes {
		state.Up = state.Up && row.Running
	}
	return state, nil
}

// Running describes the lab when it is wholly up; the error says what is missing, and how to start it.
func (l Lab) Running() (Description, error) {
	state, err := l.Status()
	if err != nil {
		return Description{}, err
	}
	for _, row := range state.Processes {
		if !row.Running {
			return Description{}, fmt.Errorf("the lab %q is not up any more: %s has ended, see %s; start it anew with: lab up --name %s", l.Name, row.Name, row.Log, l.Name)
		}
	}
	if !state.Up {
		return Description{}, fmt.Errorf("the lab %q is not up; start it with: lab up --name %s", l.Name, l.Name)
	}
	return *state.Description, nil
}
