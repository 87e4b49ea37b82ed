package stage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Process is one of the product's processes.
type Process struct {
	Log string // where its output goes

	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Worker starts `firebreak worker`.
func (s *Stage) Worker() (*Process, error) { return s.Process("worker", "worker") }

// Receiver starts `firebreak serve` and waits until it is ready.
func (s *Stage) Receiver(ctx context.Context) (*Process, error) {
	p, err := s.Process("receiver", "serve")
	if err != nil {
		return nil, err
	}
	if err := p.ready(ctx, "http://"+s.Address+"/readyz"); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return p, nil
}

// Process starts the binary with these arguments; its output goes to NAME.log.
func (s *Stage) Process(name string, args ...string) (*Process, error) {
	p := &Process{Log: filepath.Join(s.Dir, name+".log"), name: name, done: make(chan struct{})}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(s.Binary, args...) //nolint:noctx // ended by Stop or Kill: a killed process is what the tests are about
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = s.Environment(), s.Dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start firebreak %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Kill ends the process at once, as `kill -9` does.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// EndedError is a process that ended by itself.
type EndedError struct {
	Name, Log string
	Err       error // nil when its exit code was 0
}

func (e EndedError) Error() string {
	how := "without an error"
	if e.Err != nil {
		how = e.Err.Error()
	}
	return fmt.Sprintf("the %s ended (%s); the last lines of %s:\n%s", e.Name, how, e.Log, tail(e.Log, 15))
}

func (e EndedError) Unwrap() error { return e.Err }

// Guard gives a context that ends with the process; its cause is then an EndedError.
func (p *Process) Guard(ctx context.Context) (context.Context, context.CancelFunc) {
	guarded, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.done:
			end(EndedError{Name: p.name, Log: p.Log, Err: p.err})
		case <-guarded.Done():
		}
	}()
	return guarded, func() { end(context.Canceled) }
}

// tail is the end of a log, indented.
func tail(path string, lines int) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "    " + err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return "    " + strings.Join(all[max(0, len(all)-lines):], "\n    ")
}

// Pause stops the process where it stands, until Resume.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Stop asks the process to end, and gives the error of its exit.
func (p *Process) Stop(within time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(within):
		return errors.Join(fmt.Errorf("still there %s after SIGTERM", within), p.Kill())
	}
}

// ready waits until a GET of url answers 200, or the process has ended.
func (p *Process) ready(ctx context.Context, url string) error {
	for {
		if ok(ctx, url) {
			return nil
		}
		select {
		case <-p.done:
			return EndedError{Name: p.name, Log: p.Log, Err: p.err}
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w; its output is in %s", ctx.Err(), p.Log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ok(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
