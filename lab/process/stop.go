package process

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// stop ends a child: TERM to its session's group, KILL after the grace, and KILL to descendants that left the group.
func (g *Group) stop(ctx context.Context, p Process) error {
	members, err := g.members(p)
	if err != nil {
		return fmt.Errorf("stop %q: %w", p.Name, err)
	}
	leaders := members
	if p.ID.alive() {
		leaders = []ID{p.ID}
	}
	signal(leaders, syscall.SIGTERM)
	if !gone(ctx, leaders, p.Grace) {
		signal(leaders, syscall.SIGKILL)
	}
	return g.sweep(ctx, p)
}

// sweep kills what still carries the marker until nothing does.
func (g *Group) sweep(ctx context.Context, p Process) error {
	for range 50 {
		left, err := g.members(p)
		if err != nil {
			return fmt.Errorf("stop %q: %w", p.Name, err)
		}
		if len(left) == 0 {
			return nil
		}
		signal(left, syscall.SIGKILL)
		if gone(ctx, left, 200*time.Millisecond) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stop %q: %w", p.Name, err)
		}
	}
	return fmt.Errorf("stop %q: process %d does not end", p.Name, p.ID.PID)
}

// members lists the recorded process and everything that carries its marker.
func (g *Group) members(p Process) ([]ID, error) {
	ids, err := marked(g.marker(p.Name))
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if id == p.ID {
			return ids, nil
		}
	}
	if p.ID.alive() {
		ids = append(ids, p.ID)
	}
	return ids, nil
}

// signal reaches each process and, where it leads one, its group.
func signal(ids []ID, sig syscall.Signal) {
	for _, id := range ids {
		if !id.alive() {
			continue
		}
		if group, err := syscall.Getpgid(id.PID); err == nil && group == id.PID {
			_ = syscall.Kill(-id.PID, sig)
			continue
		}
		_ = syscall.Kill(id.PID, sig)
	}
}

// gone waits until none of the processes runs any more.
func gone(ctx context.Context, ids []ID, within time.Duration) bool {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for anyAlive(ids) {
		select {
		case <-ctx.Done():
			return false
		case <-deadline.C:
			return !anyAlive(ids)
		case <-tick.C:
		}
	}
	return true
}

func anyAlive(ids []ID) bool {
	for _, id := range ids {
		if id.alive() {
			return true
		}
	}
	return false
}

// Row is one line of Status.
type Row struct {
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	Running bool   `json:"running"`
	Log     string `json:"log"`
}

// Status lists the recorded processes in the order of their start.
func (g *Group) Status() ([]Row, error) {
	entries, err := g.state.read()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, e := range entries {
		if p := e.Process; p != nil {
			rows = append(rows, Row{Name: p.Name, PID: p.ID.PID, Running: p.ID.alive(), Log: g.Log(p.Name)})
		}
	}
	return rows, nil
}

// Empty says whether nothing at all is recorded.
func (g *Group) Empty() (bool, error) {
	entries, err := g.state.read()
	return len(entries) == 0, err
}
