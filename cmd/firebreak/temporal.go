package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// reach is how long the receiver is given for an answer to a person.
const reach = 30 * time.Second

// opening is how long the starts of one alert may take, several playbooks and their turn in a flood included. The
// receiver's answer has 60 seconds.
const opening = 50 * time.Second

// desk is what a command about cases works with.
type desk struct {
	*cases.Cases

	config    config.Config
	namespace string
	converter converter.DataConverter // of the client; nil: the standard one
}

// connect prepares the connection to Temporal and gives it to do. Connection settings are Temporal's own.
func (a *app) connect(logger *slog.Logger, do func(desk) error) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	return a.connected(cfg, logger, do)
}

func (a *app) connected(cfg config.Config, logger *slog.Logger, do func(desk) error) error {
	encrypted, err := a.converter(cfg)
	if err != nil {
		return err
	}
	opts := cases.Options{DataConverter: encrypted}
	if logger != nil {
		opts.Logger = log.NewStructuredLogger(logger)
	}
	settings, err := cases.ClientOptions(opts)
	if err != nil {
		return err
	}
	temporal, err := client.NewLazyClient(settings)
	if err != nil {
		return fmt.Errorf("prepare the connection to Temporal: %w", err)
	}
	defer temporal.Close()
	d := desk{
		Cases: cases.New(temporal).Decoding(settings.DataConverter), config: cfg, namespace: settings.Namespace,
		converter: settings.DataConverter,
	}
	if d.namespace == "" {
		d.namespace = client.DefaultNamespace
	}
	return explain(settings, do(d))
}

// explain says what a person can do about an error of the cases.
func explain(settings client.Options, err error) error {
	address := settings.HostPort
	if address == "" {
		address = client.DefaultHostPort
	}
	switch {
	case errors.Is(err, cases.ErrNotFound), errors.Is(err, cases.ErrRefused), errors.Is(err, cases.ErrAmbiguous):
		return wrong(err)
	case errors.Is(err, cases.ErrNoName):
		return usage(err)
	case errors.Is(err, cases.ErrUnavailable):
		return fmt.Errorf("no Temporal answers at %s; start it, or set TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE: %w", address, err)
	}
	return err
}

// webUI is the address of a run in Temporal's Web UI; empty where none is configured.
func (d desk) webUI(workflow, run string) string {
	if d.config.WebUI == "" || workflow == "" {
		return ""
	}
	return d.config.WebUI + "/namespaces/" + url.PathEscape(d.namespace) + "/workflows/" + url.PathEscape(workflow) + "/" + url.PathEscape(run) + "/timeline"
}

// evidence is the case's directory where it is on this machine.
func (d desk) evidence(id string) string {
	dir, err := filepath.Abs(filepath.Join(d.config.Evidence, filepath.Base(id)))
	if err != nil {
		return ""
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

func (a *app) summary(d desk, s workflows.State) summary {
	return summary{
		palette: palette{a.colours()}, width: a.width, now: a.now(), state: s,
		evidence: d.evidence(s.Case), webUI: d.webUI(s.Workflow, s.Run),
	}
}
