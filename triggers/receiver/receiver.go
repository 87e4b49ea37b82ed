// Package receiver takes alerts over HTTP. It answers 202 only after the durable run exists, so nothing that it accepted
// can be lost; what it cannot start it refuses, so that the sender knows.
package receiver

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers"
	"github.com/firebreak-ir/firebreak/triggers/decisions"
)

// Paths of the receiver. The token is asked for where alerts come in alone; a client CA is asked of every connection, whatever
// the path.
const (
	AlertPath        = "/v1/falco"
	AlertmanagerPath = "/v1/alertmanager"
	EventPath        = "/v1/cloudevents"

	HealthPath  = "/healthz"
	ReadyPath   = "/readyz"
	MetricsPath = "/metrics"
)

// Paths are those on which alerts come in.
func Paths() []string {
	var out []string
	for _, s := range sources() {
		out = append(out, s.path)
	}
	return out
}

// Options are what a receiver needs.
type Options struct {
	Cluster string // name of the cluster that the alerts come from
	Router  *triggers.Router
	Starter triggers.Starter
	Ready   func(context.Context) error // nil error: runs can be started now
	Token   string                      // bearer token; empty only with a client CA or on loopback
	Timeout time.Duration               // for starting the runs of one alert
	Log     *slog.Logger
	Now     func() time.Time // for alerts that do not say when; nil: the machine's clock
	// Decisions answers under decisions.Path, and says itself who may; nil: nobody decides here.
	Decisions http.Handler
}

// Receiver is the HTTP handler.
type Receiver struct {
	opts    Options
	token   token
	metrics *metrics
	mux     *http.ServeMux
}

// New makes a receiver.
func New(opts Options) *Receiver {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	r := &Receiver{opts: opts, token: newToken(opts.Token), metrics: newMetrics(opts.Router.Playbooks()), mux: http.NewServeMux()}
	for _, s := range sources() {
		r.mux.HandleFunc(s.path, func(w http.ResponseWriter, req *http.Request) { r.alerts(w, req, s) })
	}
	r.mux.HandleFunc("GET "+HealthPath, healthy)
	r.mux.HandleFunc("GET "+ReadyPath, r.ready)
	r.mux.Handle("GET "+MetricsPath, r.metrics)
	if opts.Decisions != nil {
		r.mux.Handle(decisions.Path, opts.Decisions)
	}
	return r
}

// ServeHTTP answers one request.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// alerts answers one request, which may hold several alerts. Each is counted and logged by itself.
func (r *Receiver) alerts(w http.ResponseWriter, req *http.Request, s source) {
	answers, whole := r.answer(w, req, s)
	for _, a := range answers {
		r.metrics.alert(a)
		r.log(req, a)
	}
	if whole.retryAfter > 0 {
		w.Header().Set("Retry-After", whole.retryAfter.seconds())
	}
	respond(w, whole.status, whole.body)
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, health{Status: "ok"})
}

func (r *Receiver) ready(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := context.WithTimeout(req.Context(), r.opts.Timeout)
	defer cancel()
	if err := r.opts.Ready(ctx); err != nil {
		r.opts.Log.Warn("not ready", "error", err)
		respond(w, http.StatusServiceUnavailable, health{Status: "Temporal cannot be reached"})
		return
	}
	respond(w, http.StatusOK, health{Status: "ready"})
}

type health struct {
	Status string `json:"status"`
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the sender is gone; the run is not
}

// log writes one line per request. Alert texts stand in it as values only, cut short; the handler escapes them.
func (r *Receiver) log(req *http.Request, a answer) {
	level := slog.LevelInfo
	if a.Outcome.loses() || len(a.failures) > 0 {
		level = slog.LevelError
	}
	r.opts.Log.LogAttrs(req.Context(), level, "alert "+string(a.Outcome), append(attrs(a),
		slog.String("from", req.RemoteAddr))...)
}

func attrs(a answer) []slog.Attr {
	out := []slog.Attr{slog.Int("status", a.Outcome.status())}
	for _, c := range a.cases() {
		out = append(out, slog.Group("case", slog.String("id", c.Case), slog.String("playbook", c.Playbook)))
	}
	for _, f := range a.failures {
		out = append(out, slog.Group("failed", slog.String("playbook", f.Playbook), slog.String("expression", f.Expression())))
	}
	if a.alert != nil {
		out = append(out, describe(*a.alert)...)
	}
	if a.err != nil {
		out = append(out, slog.String("error", short(a.err.Error())))
	}
	return out
}

func describe(a plan.Alert) []slog.Attr {
	return []slog.Attr{
		slog.String("alert", short(a.ID)),
		slog.String("rule", short(a.Rule)),
		slog.String("priority", a.Priority),
		slog.String("namespace", short(a.Target.Namespace)),
		slog.String("pod", short(a.Target.Pod)),
		slog.String("node", short(a.Target.Node)),
	}
}

// short cuts a text that a stranger chose: the alert itself is in the case.
func short(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
