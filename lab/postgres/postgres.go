// Package postgres runs this machine's PostgreSQL on loopback, with data of its own that is gone when it ends.
//
// It is there to measure Temporal on the store that it has in production: see `make bench`.
package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// User is the one user that the server knows.
const User = "temporal"

// ErrNone is returned where this machine has no PostgreSQL.
var ErrNone = errors.New("this machine has no PostgreSQL (Debian's package postgresql)")

// Server is a PostgreSQL that runs.
type Server struct {
	Port     int
	Password string

	dir     string
	server  *exec.Cmd
	ended   chan struct{} // closed when it has ended, with failed saying how
	failed  error
	message *bytes.Buffer
}

// Find gives the directory of the server's programs: the newest of Debian's, or the one in PATH.
func Find() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	program, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrNone
	}
	return filepath.Dir(program), nil
}

func version(program string) int {
	number, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program))))
	if err != nil {
		return 0
	}
	return number
}

// Start makes new data and runs a server on it. It writes to disk as the server does without being told otherwise.
func Start(ctx context.Context, port int) (*Server, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	who, err := credential()
	if err != nil {
		return nil, err
	}
	s := &Server{Port: port, Password: rand.Text(), ended: make(chan struct{}), message: &bytes.Buffer{}}
	if s.dir, err = os.MkdirTemp(temporary(who), "firebreak-postgres-"); err != nil {
		return nil, err
	}
	err = s.initialize(ctx, bin, who)
	if err == nil { // a server without data would only end
		err = s.serve(ctx, bin, who)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// credential is whom the server runs as: it refuses to be root.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // no other user than this one
	}
	one, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err1 := strconv.ParseUint(one.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(one.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// temporary is where the data go: another user may not come into a directory that TMPDIR names.
func temporary(who *syscall.Credential) string {
	if who == nil {
		return os.TempDir()
	}
	return "/tmp"
}

func (s *Server) initialize(ctx context.Context, bin string, who *syscall.Credential) error {
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.Password+"\n"), 0o600); err != nil {
		return err
	}
	if who != nil {
		if err := errors.Join(os.Chown(s.dir, int(who.Uid), int(who.Gid)), os.Chown(secret, int(who.Uid), int(who.Gid))); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata="+s.data(), "--username="+User, "--pwfile="+secret,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
	cmd.Dir, cmd.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: who}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, strings.TrimSpace(string(output)))
	}
	return os.Remove(secret)
}

// serve starts the server. It ends with this process, also when that is killed.
func (s *Server) serve(ctx context.Context, bin string, who *syscall.Credential) error {
	s.server = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.Port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir, "-c", "max_connections=200")
	s.server.Dir, s.server.Stderr = s.dir, s.message
	s.server.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGINT, Setpgid: true}
	if err := s.server.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	go func() {
		s.failed = s.server.Wait()
		close(s.ended)
	}()
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Address is where the server listens.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

func (s *Server) ready(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, 30*time.Second)
	defer done()
	for !s.accepting() {
		select {
		case <-s.ended:
			return fmt.Errorf("PostgreSQL ended: %w\n%s", s.failed, strings.TrimSpace(s.message.String()))
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// accepting reads the eighth line of the server's lock file, as pg_ctl does (src/include/utils/pidfile.h).
func (s *Server) accepting() bool {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	return err == nil && len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
}

// Stop ends the server, without waiting for its clients, and removes its data.
func (s *Server) Stop() error {
	signalled := s.server.Process.Signal(os.Interrupt)
	if errors.Is(signalled, os.ErrProcessDone) {
		signalled = nil
	}
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		signalled = errors.Join(signalled, s.server.Process.Kill())
		<-s.ended
	}
	return errors.Join(signalled, os.RemoveAll(s.dir))
}
