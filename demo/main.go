// Command demo plays the main job on a running lab: an intruder breaks into a container, Falco's alert comes in, and a
// contained, preserved, analyzed and ticketed case goes out; then everything that was changed is undone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(errs)
	d := demo{out: out, errs: errs}
	flags.StringVar(&d.firebreak, "firebreak", "bin/firebreak", "the firebreak `binary`")
	flags.StringVar(&d.lab, "lab", "lab/bin/lab", "the lab's `binary`")
	flags.StringVar(&d.dir, "out", filepath.Join("out", "demo"), "`directory` for the cases")
	flags.BoolVar(&d.keep, "keep", false, "leave the pod isolated and the node cordoned")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if err := d.play(ctx); err != nil {
		fmt.Fprintf(errs, "demo: %v\n", err)
		return 1
	}
	return 0
}
