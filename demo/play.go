package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/internal/stage"
)

// within is how long the whole job may take before the demo gives up on it.
const within = 10 * time.Minute

type demo struct {
	firebreak, lab, dir string
	keep                bool
	out, errs           io.Writer
	stage               *stage.Stage
	worker              *stage.Process
}

func (d *demo) play(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	lab, named, err := labenv.Read()
	if err != nil || !named {
		return errors.Join(err, errors.New(`no lab: start it with "make lab-up" and run "make demo"`))
	}
	if d.stage, err = d.newStage(lab); err != nil {
		return err
	}
	stop, err := d.start(ctx)
	if err != nil {
		return err
	}
	guarded, unguard := d.worker.Guard(ctx)
	err = d.job(guarded)
	if ended := new(stage.EndedError); errors.As(context.Cause(guarded), ended) {
		_ = stop() // it would only say once more that the worker has ended
		return *ended
	}
	unguard()
	return errors.Join(err, stop())
}

func (d *demo) newStage(lab labenv.Lab) (*stage.Stage, error) {
	return stage.New(stage.Options{
		Binary: d.firebreak, Dir: filepath.Join(d.dir, "run"), Evidence: d.dir, Tracker: filepath.Join(d.dir, "tickets"), Lab: lab,
	})
}

// start brings up the worker and the receiver, and gives what ends them again.
func (d *demo) start(ctx context.Context) (func() error, error) {
	d.title("Firebreak", "a worker with the permissions of its own service account, and a receiver for Falco's alerts")
	var err error
	if d.worker, err = d.stage.Worker(); err != nil {
		return nil, err
	}
	receiver, err := d.stage.Receiver(ctx)
	if err != nil {
		return nil, errors.Join(err, d.worker.Kill())
	}
	d.say("receiver  http://%s/v1/falco", d.stage.Address)
	d.say("logs      %s, %s", shorten(receiver.Log), shorten(d.worker.Log))
	return func() error { return errors.Join(receiver.Stop(20*time.Second), d.worker.Stop(40*time.Second)) }, nil
}

func (d *demo) job(ctx context.Context) error {
	broken, alert, err := d.attack(ctx)
	if err != nil {
		return err
	}
	answer, err := d.send(ctx, alert)
	if err != nil {
		return err
	}
	d.title("The run", d.stage.WebUI(answer.Workflow, answer.Run))
	watched := d.command(ctx, "watch", answer.Case)
	if err := d.check(ctx, answer.Case); err != nil {
		return errors.Join(watched, err)
	}
	if watched != nil {
		return fmt.Errorf("the case did not end well: %w", watched)
	}
	if err := d.compare(ctx, answer.Case, broken); err != nil {
		return err
	}
	if err := d.undo(ctx, answer.Case); err != nil {
		return err
	}
	d.end(answer)
	return nil
}

func (d *demo) attack(ctx context.Context) (labenv.Attack, []byte, error) {
	d.title("The intrusion", "committed now, in a running container; the disk is copied while it is mounted")
	cmd := exec.CommandContext(ctx, d.lab, "attack", "--output", "json")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return labenv.Attack{}, nil, fmt.Errorf("lab attack: %w: %s", err, errs.String())
	}
	var done labenv.Scenario
	if err := json.Unmarshal(out.Bytes(), &done); err != nil {
		return labenv.Attack{}, nil, fmt.Errorf("lab attack: %w", err)
	}
	i := done.Attack
	d.say("pod       %s/%s on %s", done.Namespace, i.Pod, i.Node)
	if i.Dropped != "" {
		d.say("dropped   %s, running; SHA-256 %s", i.Dropped, i.SHA256)
		d.say("changed   %s", strings.Join(i.Changed, ", "))
		d.say("deleted   %s", strings.Join(i.Deleted, ", "))
	}
	alert, err := os.ReadFile(i.Alert)
	return i, alert, err
}

func (d *demo) send(ctx context.Context, alert []byte) (stage.Answer, error) {
	answer, err := d.stage.Send(ctx, alert)
	if err != nil {
		return answer, err
	}
	if answer.Status != http.StatusAccepted {
		return answer, fmt.Errorf("the receiver answered %d: %s", answer.Status, answer.Body)
	}
	d.say("alert     answered 202: case %s is durable", answer.Case)
	return answer, nil
}

// check reads the evidence with other people's tools as well as our own.
func (d *demo) check(ctx context.Context, id string) error {
	dir := filepath.Join(d.stage.Evidence, id)
	d.title("The evidence", shorten(dir))
	sums := exec.CommandContext(ctx, "sha256sum", "--quiet", "--strict", "-c", custody.ManifestName)
	sums.Dir = dir
	if out, err := sums.CombinedOutput(); err != nil {
		return fmt.Errorf("sha256sum -c %s: %w\n%s", custody.ManifestName, err, out)
	}
	d.say("sha256sum -c %s: every file is as it was sealed", custody.ManifestName)
	return d.command(ctx, "verify", dir)
}

func (d *demo) undo(ctx context.Context, id string) error {
	if d.keep {
		d.title("Undo", "left for you: firebreak undo "+id)
		return nil
	}
	d.title("Undo", "labels, selectors, cordon and policy go back to what they were; the evidence stays")
	return d.command(ctx, "undo", id)
}

func (d *demo) end(answer stage.Answer) {
	d.title("Look at it", "the lab keeps running until `make demo-down`")
	d.say("report    %s", shorten(filepath.Join(d.stage.Evidence, answer.Case, "data", "report.html")))
	d.say("tickets   %s", shorten(d.stage.Tracker))
	d.say("audit     %s", d.stage.WebUI(answer.Workflow, answer.Run))
}

// command runs one of the product's commands with its output on this terminal.
func (d *demo) command(ctx context.Context, args ...string) error {
	cmd := d.stage.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = d.out, d.errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("firebreak %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

func (d *demo) title(title, text string) { fmt.Fprintf(d.out, "\n== %s: %s\n", title, text) }

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, "   "+format+"\n", args...) }

// shorten shows a path from the working directory where it lies below it.
func shorten(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}
