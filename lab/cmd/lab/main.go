// Command lab starts, shows and ends the lab: real servers on this machine to run Firebreak against.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/lab"
)

// Exit codes.
const (
	exitOK     = 0
	exitNotUp  = 1 // `lab status` of a lab that is not wholly up
	exitUsage  = 2
	exitBroken = 3 // this machine could not do it
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := command(stdout, stderr)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errNotUp):
		return exitNotUp
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "lab: %v\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "lab: %v\n", err)
		return exitBroken
	}
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errNotUp carries an exit code; the command has said everything.
var errNotUp = errors.New("the lab is not up")

// program holds what the commands share.
type program struct {
	stdout, stderr io.Writer
	name           string
	dir            string
	source         string
}

func command(stdout, stderr io.Writer) *cobra.Command {
	p := &program{stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "lab",
		Short: "Real servers on this machine to run Firebreak against",
		Long: "Starts Temporal with its Web UI, a Kubernetes control plane with one real node and several played ones, and AWS\n" +
			"as moto and an EBS front answer it: all on loopback, all ended by `lab down`.",
		Example:       "  lab up\n  eval \"$(lab env)\"\n  kubectl get nodes\n  lab attack\n  lab down",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&p.name, "name", "default", "which lab; several run side by side")
	flags.StringVar(&p.dir, "dir", "", "directory of the lab (default ${XDG_STATE_HOME:-~/.local/state}/firebreak/lab/NAME)")
	flags.StringVar(&p.source, "source", "", "the checkout with lab/servers (default: found from here, or from this program)")
	root.AddCommand(p.up(), p.down(), p.status(), p.env(), p.attack(), p.serve())
	for _, sub := range root.Commands() {
		sub.Args = noArguments
	}
	return root
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%q takes no arguments, got %q", cmd.CommandPath(), args)}
	}
	return nil
}

// lab is the lab that the flags name. Only `lab up` needs the checkout.
func (p *program) lab() (lab.Lab, error) {
	if err := lab.CheckName(p.name); err != nil {
		return lab.Lab{}, usageError{err}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return lab.Lab{}, fmt.Errorf("find the cache directory: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return lab.Lab{}, fmt.Errorf("find this program: %w", err)
	}
	dir, err := p.directory()
	if err != nil {
		return lab.Lab{}, err
	}
	return lab.Lab{
		Dir: dir, Name: p.name, Cache: filepath.Join(cache, "firebreak", "lab"), Self: self,
		Out: p.stderr, Live: isTerminal(p.stderr), Now: time.Now,
	}, nil
}

func (p *program) directory() (string, error) {
	if p.dir != "" {
		return filepath.Abs(p.dir)
	}
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the state directory: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "firebreak", "lab", p.name), nil
}

// tree finds the checkout.
func (p *program) tree(self string) (lab.Tree, error) {
	if p.source != "" {
		return lab.FindTree(p.source)
	}
	here, err := os.Getwd()
	if err != nil {
		return lab.Tree{}, err
	}
	return lab.FindTree(here, filepath.Dir(self))
}

// isTerminal says whether a line can be rewritten.
func isTerminal(w io.Writer) bool {
	file, isFile := w.(*os.File)
	if !isFile {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
