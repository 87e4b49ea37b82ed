package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// nodeDiskRows measures inventories and hashes of whole disks against the tools that others use. Every one is a process
// of its own on the same image, in turns; what they print is compared before their times are.
func nodeDiskRows(ctx context.Context, to io.Writer, only string) ([]row, error) {
	var chosen []*contest
	for _, d := range nodeDisks() {
		if c := (&contest{disk: d, to: to}); len(c.parts(only)) > 0 {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, nil
	}
	if os.Getuid() != 0 {
		return missing(to, "only root may mount a disk's image and empty the caches"), nil
	}
	work, err := os.MkdirTemp("", "firebreak-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	var rows []row
	for _, c := range chosen {
		c.work = work
		found, err := c.rows(ctx, only)
		rows = append(rows, found...)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", c.disk.kind, err)
		}
	}
	return rows, nil
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// missing says loudly what was not measured.
func missing(to io.Writer, why string) []row {
	fmt.Fprintln(to, "NOT MEASURED: "+why)
	return []row{{what: "a node's disk", value: "not measured: " + why}}
}

// contest is the measures on one disk.
type contest struct {
	disk        nodeDisk
	image, work string
	to          io.Writer
	peak        int64 // of our processes' memory, in bytes
}

// part is a measure; its name is what -only looks at.
type part struct {
	name string
	run  func(ctx context.Context, mountpoint string) ([]row, error)
}

func (c *contest) parts(only string) (out []part) {
	for _, p := range []part{{"inventory", c.inventories}, {"hash", c.hashes}, {"resume", c.killed}} {
		if strings.Contains("forensics "+c.disk.kind+" "+p.name, only) {
			out = append(out, p)
		}
	}
	return out
}

func (c *contest) rows(ctx context.Context, only string) ([]row, error) {
	if !installed("mkfs." + c.disk.kind) {
		return missing(c.to, "this machine has no mkfs."+c.disk.kind), nil
	}
	var err error
	if c.image, err = c.disk.find(ctx, c.to); err != nil {
		return nil, err
	}
	var rows []row
	err = mounted(ctx, c.image, "ro", func(dir string) error {
		for _, p := range c.parts(only) {
			found, err := p.run(ctx, dir)
			rows = append(rows, c.shown(found)...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	memory := row{
		what: "a node's disk: the most memory that any of ours took", value: fmt.Sprintf("%d MB", c.peak/1e6), limit: "≤ 300 MB",
		holds: c.peak <= 300e6,
	}
	return append(rows, c.shown([]row{memory})...), err
}

func (c *contest) shown(rows []row) []row {
	for i := range rows {
		rows[i].store = c.disk.kind
		fmt.Fprintln(c.to, rows[i])
	}
	return rows
}

// rival is a program that does the same work as ours.
type rival struct {
	name  string
	argv  []string
	dir   string
	limit float64 // of the time of ours to its
}

// run runs a program to its end, with its output in a file, and gives the time that it took.
func (c *contest) run(ctx context.Context, name, dir string, argv []string) (string, time.Duration, error) {
	out, err := os.Create(filepath.Join(c.work, name+".out"))
	if err != nil {
		return "", 0, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, os.Stderr
	memory := filepath.Join(c.work, "memory")
	cmd.Env = append(os.Environ(), memoryFile+"="+memory)
	began := time.Now()
	err = cmd.Run()
	took := time.Since(began)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", argv[0], err)
	}
	if name == "ours" {
		held, err := memoryIn(memory)
		if err != nil {
			return "", 0, err
		}
		c.peak = max(c.peak, held)
	}
	return out.Name(), took, nil
}

// ours is this program in its other role.
func (c *contest) ours(what string, more ...string) []string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return append([]string{self, "ours", what, c.image}, more...)
}

// cold empties the caches of the kernel.
func cold() error {
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0o644); err != nil {
		return fmt.Errorf("empty the caches: %w", err)
	}
	return nil
}

// turns runs a rival and ours in turns and gives the ratios of their times. same compares what both printed.
func (c *contest) turns(ctx context.Context, r rival, ours []string, rounds int, before func() error, same func(theirs, ours string) error) (row, error) {
	var ratios []float64
	var a, b []time.Duration
	for n := range rounds {
		if err := before(); err != nil {
			return row{}, err
		}
		theirs, tb, err := c.run(ctx, "theirs", r.dir, r.argv)
		if err != nil {
			return row{}, err
		}
		if err := before(); err != nil {
			return row{}, err
		}
		mine, ta, err := c.run(ctx, "ours", "/", ours)
		if err != nil {
			return row{}, err
		}
		if n == 0 {
			if err := same(theirs, mine); err != nil {
				return row{}, fmt.Errorf("%s and ours differ: %w", r.name, err)
			}
		}
		a, b, ratios = append(a, ta), append(b, tb), append(ratios, float64(ta)/float64(tb))
	}
	ratio := middle(ratios)
	return row{
		value: fmt.Sprintf("%.2f× (%s / %s)", ratio, short(middle(a)), short(middle(b))),
		limit: fmt.Sprintf("≤ %.2f×", r.limit), holds: ratio <= r.limit,
	}, nil
}

// inventories compares with fls, or with find on a mount where fls does not know the file system.
func (c *contest) inventories(ctx context.Context, dir string) ([]row, error) {
	r := rival{name: "fls -r -m /", argv: []string{"fls", "-r", "-m", "/", c.image}, dir: "/", limit: 0.5}
	ours, same := c.ours("bodyfile"), sameBody
	if c.disk.kind != "ext4" {
		format := `%P|%i|%m|%U|%G|%s|%A@|%T@|%C@\n`
		r = rival{name: "find -printf on a mount", argv: []string{"find", ".", "-mindepth", "1", "-printf", format}, dir: dir, limit: 0.5}
		ours, same = c.ours("find"), sameLines
	}
	if !installed(r.argv[0]) {
		return missing(c.to, "this machine has no "+r.argv[0]+", which apt-get install sleuthkit brings"), nil
	}
	var rows []row
	for _, state := range []struct {
		name   string
		rounds int
		before func() error
	}{{"cold", 3, cold}, {"warm", 7, func() error { return nil }}} {
		found, err := c.turns(ctx, r, ours, state.rounds, state.before, same)
		if err != nil {
			return rows, err
		}
		found.what = "a node's disk: inventory, ours / " + r.name + ", " + state.name
		rows = append(rows, found)
	}
	entries, err := countLines(filepath.Join(c.work, "ours.out"))
	return append(rows, row{what: "a node's disk: its entries and the space that they use", value: fmt.Sprintf("%d, %.1f GB", entries, used(c.image))}), err
}

// hashes compares with a mount and, where it knows the file system, with fiwalk.
func (c *contest) hashes(ctx context.Context, dir string) ([]row, error) {
	ours := c.ours("sha256")
	kernel := rival{name: "a mount and xargs -P2 sha256sum", argv: []string{"sh", "-c", "find . -type f -print0 | xargs -0 -P2 sha256sum"}, dir: dir, limit: 0.35}
	rows, err := c.hashRow(ctx, nil, kernel, ours, 1, sameLines)
	if err != nil || c.disk.kind != "ext4" {
		return rows, err
	}
	if !installed("fiwalk") {
		return append(rows, missing(c.to, "this machine has no fiwalk, which apt-get install sleuthkit brings")...), nil
	}
	fiwalk := rival{name: "fiwalk -x -O (MD5 and SHA-1)", argv: []string{"fiwalk", "-x", "-O", c.image}, dir: "/", limit: 0.25}
	return c.hashRow(ctx, rows, fiwalk, ours, 1, sameCount)
}

func (c *contest) hashRow(ctx context.Context, rows []row, r rival, ours []string, rounds int, same func(a, b string) error) ([]row, error) {
	found, err := c.turns(ctx, r, ours, rounds, cold, same)
	found.what = "a node's disk: hash every file, ours / " + r.name + ", cold"
	if err != nil {
		return rows, err
	}
	return append(rows, found), nil
}
