// Command firebreak receives alerts, runs playbooks durably and shows what became of them. This package holds flags and
// printing only; the work is done in the packages that it joins.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // schedules name time zones, also on machines without the database
)

// What the process ends with.
const (
	exitOK      = 0 // done
	exitWrong   = 1 // your file, playbook or case is wrong, or the case did not end well
	exitUsage   = 2 // the command line is wrong
	exitMachine = 3 // this machine, or a server that it needs, is broken
)

// version is set by the linker; without it the build's own information is used.
var version string

func main() {
	os.Exit(process())
}

// process runs the command line of this process. The first signal asks to stop; a second one ends at once.
func process() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, realSystem(version), os.Args[1:])
}
