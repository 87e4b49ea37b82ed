package build

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// compile runs go build and shows how far it is.
func (b Builder) compile(ctx context.Context, server Server, names, packages []string, into string) error {
	total, err := b.countPackages(ctx, server, packages)
	if err != nil {
		return err
	}
	output := into + string(filepath.Separator)
	if len(names) == 1 {
		output = filepath.Join(into, names[0])
	}
	cmd := b.command(ctx, server, append([]string{"build", "-v", "-trimpath", "-ldflags", server.LDFlags, "-tags", server.Tags, "-o", output}, packages...))
	lines, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	bar := b.startBar(strings.Join(names, ", "), total)
	defer bar.stop()
	if err := cmd.Start(); err != nil {
		return err
	}
	complaints := bar.read(lines)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, complaints)
	}
	bar.finish()
	return nil
}

func (b Builder) command(ctx context.Context, server Server, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(b.Source, server.Module)
	cgo := "0"
	if server.Cgo {
		cgo = "1"
	}
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOFLAGS=-mod=readonly", "GOWORK=off")
	return cmd
}

// countPackages downloads the sources when needed and says how many packages there are to compile at most.
func (b Builder) countPackages(ctx context.Context, server Server, packages []string) (int, error) {
	fmt.Fprintf(b.Out, "  %s: reading its sources (downloaded once)\n", server.Module)
	cmd := b.command(ctx, server, append([]string{"list", "-deps", "-tags", server.Tags}, packages...))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	list, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("go list: %w\n%s", err, strings.TrimSpace(complaints.String()))
	}
	return bytes.Count(list, []byte{'\n'}), nil
}

// bar shows the progress of one go build: go prints a line for each package that it compiles, none for those whose
// objects it still has.
type bar struct {
	out   io.Writer
	live  bool
	now   func() time.Time
	what  string
	total int
	begin time.Time
	done  chan struct{}
	ended sync.WaitGroup

	mu   sync.Mutex
	seen int
	last string
}

func (b Builder) startBar(what string, total int) *bar {
	p := &bar{out: b.Out, live: b.Live, now: b.Now, what: what, total: total, begin: b.Now(), done: make(chan struct{})}
	period := 15 * time.Second
	if b.Live {
		period = time.Second / 2
	}
	p.ended.Go(func() { p.tick(period) })
	return p
}

func (p *bar) tick(period time.Duration) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-ticker.C:
			p.print()
		}
	}
}

func (p *bar) print() {
	p.mu.Lock()
	defer p.mu.Unlock()
	elapsed := p.now().Sub(p.begin).Round(time.Second)
	line := fmt.Sprintf("  %s: %d of %d packages, %s  %s", p.what, p.seen, p.total, elapsed, p.last)
	if !p.live {
		fmt.Fprintln(p.out, line)
		return
	}
	fmt.Fprintf(p.out, "\r\x1b[K%.118s", line)
}

// read counts the compiled packages and returns the lines that are something else: the compiler's complaints.
func (p *bar) read(lines io.Reader) string {
	var complaints []string
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		line := scanner.Text()
		if strings.ContainsAny(line, " \t") || strings.HasPrefix(line, "#") {
			complaints = append(complaints, line)
			continue
		}
		p.mu.Lock()
		p.seen++
		p.last = line
		p.mu.Unlock()
	}
	return strings.Join(complaints[max(0, len(complaints)-20):], "\n")
}

func (p *bar) finish() {
	p.stop()
	line := fmt.Sprintf("  %s: built in %s (%d packages compiled, the others of %d were compiled before)",
		p.what, p.now().Sub(p.begin).Round(time.Second), p.seen, p.total)
	if p.live {
		line = "\r\x1b[K" + line
	}
	fmt.Fprintln(p.out, line)
}

func (p *bar) stop() {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	p.ended.Wait()
}
