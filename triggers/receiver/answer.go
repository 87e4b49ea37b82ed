package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers"
	"github.com/firebreak-ir/firebreak/triggers/falco"
)

// Outcome is what became of a request; it is a label of the metrics, so there are only these.
type Outcome string

// The outcomes.
const (
	Accepted     Outcome = "accepted"     // 202: the run is durable
	Unmatched    Outcome = "unmatched"    // 200: no playbook's trigger matches
	Tested       Outcome = "test"         // 200: the sender tested the connection
	Resolved     Outcome = "resolved"     // 200: all alerts of a group are over
	Malformed    Outcome = "malformed"    // 400
	Unauthorized Outcome = "unauthorized" // 401
	WrongMethod  Outcome = "wrong_method" // 405
	TooLarge     Outcome = "too_large"    // 413
	WrongType    Outcome = "wrong_type"   // 415
	Unevaluable  Outcome = "unevaluable"  // 422: nothing starts, and a playbook's condition fails on this alert
	Unavailable  Outcome = "unavailable"  // 503: send it again
)

// Outcomes lists every outcome.
func Outcomes() []Outcome {
	return []Outcome{Accepted, Unmatched, Tested, Resolved, Malformed, Unauthorized, WrongMethod, TooLarge, WrongType, Unevaluable, Unavailable}
}

// status is the outcome's HTTP status.
func (o Outcome) status() int {
	switch o {
	case Accepted:
		return http.StatusAccepted
	case Unmatched, Tested, Resolved:
		return http.StatusOK
	case Malformed:
		return http.StatusBadRequest
	case Unauthorized:
		return http.StatusUnauthorized
	case WrongMethod:
		return http.StatusMethodNotAllowed
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	case WrongType:
		return http.StatusUnsupportedMediaType
	case Unevaluable:
		return http.StatusUnprocessableEntity
	case Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// loses tells whether a known sender's alert started nothing although it may be one that must: senders rarely retry.
func (o Outcome) loses() bool {
	switch o {
	case Malformed, TooLarge, WrongType, Unevaluable, Unavailable:
		return true
	}
	return false
}

// retryAfter is when a sender should try again; zero says nothing.
type retryAfter time.Duration

func (r retryAfter) seconds() string { return strconv.Itoa(int(time.Duration(r).Seconds())) }

// reply is the body of an answer. The first case stands at its top, further playbooks' cases in more.
type reply struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	Alert   string  `json:"alert,omitempty"`
	*triggers.Case
	More   []triggers.Case `json:"more,omitempty"`
	Failed []failed        `json:"failed,omitempty"` // expressions, also where other playbooks were started
}

// failed is a triggers.Failure for the sender.
type failed struct {
	Playbook   string `json:"playbook"`
	Expression string `json:"expression"` // dedup key, or trigger and its id
	Reason     string `json:"reason"`
}

func (r reply) cases() []triggers.Case {
	if r.Case == nil {
		return nil
	}
	return append([]triggers.Case{*r.Case}, r.More...)
}

type answer struct {
	reply
	retryAfter retryAfter
	alert      *plan.Alert
	failures   []triggers.Failure // the same as the reply's
	err        error              // for the log; the reply's reason is for the sender
}

func refuse(o Outcome, err error) answer {
	reason := strings.ReplaceAll(err.Error(), "\n", "; ")
	return answer{reply: reply{Outcome: o, Reason: reason}, err: errors.New(reason)}
}

// again asks the sender to send the alert again.
func again(a answer) answer {
	a.retryAfter = retryAfter(10 * time.Second)
	return a
}

// answer goes from the cheapest question to the dearest: nothing of the body is read before the sender is known.
func (r *Receiver) answer(w http.ResponseWriter, req *http.Request, s source) ([]answer, whole) {
	refused := func(a answer) ([]answer, whole) { return []answer{a}, single(a) }
	switch {
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return refused(refuse(WrongMethod, fmt.Errorf("want POST, got %.20q", req.Method)))
	case !r.token.admits(req):
		w.Header().Set("WWW-Authenticate", `Bearer realm="firebreak"`)
		return refused(refuse(Unauthorized, errors.New("the bearer token is missing or wrong")))
	case !s.reads(req.Header):
		return refused(refuse(WrongType, fmt.Errorf("want Content-Type %s, got %.80q", s.wants, req.Header.Get("Content-Type"))))
	}
	batch, err := s.decode(req.Header, http.MaxBytesReader(w, req.Body, s.most+1))
	switch {
	case s.tooLarge(err):
		return refused(refuse(TooLarge, err))
	case s.malformed(err):
		return refused(refuse(Malformed, err))
	case err != nil: // the connection was cut, or too slow
		return refused(again(refuse(Unavailable, err)))
	}
	if batch.grouped {
		return r.group(req.Context(), batch)
	}
	a := r.open(req.Context(), batch.alerts[0])
	return []answer{a}, single(a)
}

// whole is what one request is answered.
type whole struct {
	status     int
	body       any
	retryAfter retryAfter
}

func single(a answer) whole { return whole{a.Outcome.status(), a.reply, a.retryAfter} }

func (r *Receiver) open(ctx context.Context, a plan.Alert) answer {
	out := answer{reply: reply{Outcome: Tested, Alert: a.ID}}
	if a.Time.IsZero() { // the source does not say
		a.Time = r.opts.Now().UTC()
	}
	a.Cluster = r.opts.Cluster
	out.alert = &a
	if falco.IsTest(a) {
		out.Reason = "connection test: alerts of this receiver start playbooks"
		return out
	}
	starts, failures := r.opts.Router.Match(a)
	out.fail(failures)
	switch {
	case len(starts) > 0:
		return r.start(ctx, starts, out)
	case len(failures) > 0:
		out.Outcome, out.Reason = Unevaluable, strings.ReplaceAll(out.err.Error(), "\n", "; ")
		return out
	}
	out.Outcome, out.Reason = Unmatched, "no playbook's trigger matches this alert"
	return out
}

// fail notes expressions that failed, for the reply, the counters and the log.
func (a *answer) fail(failures []triggers.Failure) {
	a.failures = failures
	errs := []error{a.err}
	for _, f := range failures {
		a.Failed = append(a.Failed, failed{Playbook: f.Playbook, Expression: f.Expression(), Reason: f.Err.Error()})
		errs = append(errs, f)
	}
	a.err = errors.Join(errs...)
}

// start opens every case. A sender that hangs up does not stop it: the alert was read whole. Where one case fails the
// answer is 503, and sending the alert again joins those that were opened.
func (r *Receiver) start(ctx context.Context, starts []triggers.Start, out answer) answer {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.opts.Timeout)
	defer cancel()
	var opened []triggers.Case
	errs := []error{out.err}
	for _, s := range starts {
		c, err := r.opts.Starter.Start(ctx, s)
		if err != nil {
			errs = append(errs, fmt.Errorf("start %q: %w", s.Workflow, err))
			continue
		}
		opened = append(opened, c)
	}
	out.err = errors.Join(errs...)
	if len(opened) > 0 {
		out.Case, out.More = &opened[0], opened[1:]
	}
	if len(opened) < len(starts) {
		out.Outcome = Unavailable
		out.Reason = fmt.Sprintf("%d of %d playbooks could not be started: send the alert again", len(starts)-len(opened), len(starts))
		return again(out)
	}
	out.Outcome = Accepted
	return out
}
