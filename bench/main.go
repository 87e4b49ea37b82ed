// Command bench measures what the documentation claims: the interpreter against the same work written by hand on the same
// server, the length of replays, and how many alerts are taken at once. It writes docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := bench(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", firstLine(err))
		os.Exit(1)
	}
}

func bench() error {
	if len(os.Args) > 1 && os.Args[1] == "ours" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		stopProfile, err := profiled(os.Getenv("BENCH_PROFILE"))
		if err != nil {
			return err
		}
		defer stopProfile()
		return oursOf(ctx, os.Args[2:], os.Stdout)
	}
	if len(os.Args) == 4 && os.Args[1] == "drift" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		return driftOf(ctx, os.Args[2], os.Args[3], os.Stdout, os.Stderr)
	}
	out := flag.String("out", "", "write the table into this Markdown file")
	only := flag.String("only", "", "run only the measures whose names contain this")
	lab := flag.String("lab", "", "the lab's program: some measures are taken on PostgreSQL too, if this machine has it")
	profile := flag.String("profile", "", "write a CPU profile into this file")
	flag.Parse()
	stopProfile, err := profiled(*profile)
	if err != nil {
		return err
	}
	defer stopProfile()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return run(ctx, os.Stdout, *out, *only, *lab)
}

// firstLine keeps a thousand alike errors from filling the terminal.
func firstLine(err error) string {
	text, more, found := strings.Cut(err.Error(), "\n")
	if found {
		text += fmt.Sprintf(" (and %d more)", strings.Count(more, "\n")+1)
	}
	return text
}

// profiled writes a CPU profile until the function that it gives is called.
func profiled(name string) (func(), error) {
	if name == "" {
		return func() {}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

// row is one measure of the table.
type row struct {
	what, value, limit string
	holds              bool
	store              string // of the server
}

// measure is one thing that is measured.
type measure struct {
	name       string
	everywhere bool // on each store; the others are the same on all
	run        func(context.Context, *world) ([]row, error)
}

// measures are all of them, in the order of the table.
func measures() []measure {
	return []measure{
		{"interpreted and by hand", false, compareJobs},
		{"50 sequential activities", true, sequential},
		{"replay", false, replay},
		{"compile", false, compilePlaybook},
		{"storm", true, storm},
		{"1,000 different alerts", true, flood},
	}
}

func run(ctx context.Context, to io.Writer, out, only, lab string) error {
	rows, err := onServers(ctx, to, only, lab)
	if err == nil {
		var more []row
		more, err = nodeDiskRows(ctx, to, only)
		rows = append(rows, more...)
	}
	if err == nil && lab != "" && strings.Contains(snapshots, only) {
		var more []row
		more, err = snapshotRows(ctx, to, lab)
		rows = append(rows, more...)
	}
	if err != nil || out == "" {
		return err
	}
	return writeTable(out, rows)
}

// snapshots is the name of the measures that need the lab's program and no running lab.
const snapshots = "forensics of a snapshot"

func onServers(ctx context.Context, to io.Writer, only, lab string) ([]row, error) {
	if !slices.ContainsFunc(measures(), func(m measure) bool { return strings.Contains(m.name, only) }) {
		return nil, nil
	}
	address := os.Getenv("TEMPORAL_ADDRESS")
	if address == "" {
		return nil, errors.New("no lab; start one and take its environment: eval \"$(lab/bin/lab env)\"")
	}
	rows, err := on(ctx, to, only, address, sqlite)
	if err == nil && lab != "" {
		var more []row
		more, err = onPostgres(ctx, to, only, lab)
		rows = append(rows, more...)
	}
	return rows, err
}

// on takes the measures on one server.
func on(ctx context.Context, to io.Writer, only, address, store string) ([]row, error) {
	w, err := newWorld(ctx, address)
	if err != nil {
		return nil, err
	}
	defer w.close()
	w.store = store
	fmt.Fprintf(to, "Temporal on %s\n", store)
	var rows []row
	for _, m := range measures() {
		if !strings.Contains(m.name, only) || store != sqlite && !m.everywhere {
			continue
		}
		began := time.Now()
		found, err := m.run(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		for i := range found {
			found[i].store = store
			fmt.Fprintln(to, found[i])
		}
		fmt.Fprintf(to, "  (%s)\n", time.Since(began).Round(time.Second))
		rows = append(rows, found...)
	}
	return rows, nil
}

// String is a row in a terminal.
func (r row) String() string {
	word := "holds"
	switch {
	case r.limit == "":
		word = ""
	case !r.holds:
		word = "DOES NOT HOLD"
	}
	return fmt.Sprintf("%-62s %-24s %-24s %s", r.what, r.value, r.limit, word)
}
