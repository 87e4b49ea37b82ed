// Package decisions lets people decide over HTTP: it says who somebody is, shows what a step waits for, and hands the
// decision over. Only a POST decides; whoever opens a link has decided nothing.
package decisions

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Path is the folder under which cases are decided.
const Path = "/cases/"

// PathOf is the path of a step of a case, or of the case where the step is empty.
func PathOf(of, step string) string {
	path := Path + url.PathEscape(of)
	if step == "" {
		return path
	}
	var parts []string
	for part := range strings.SplitSeq(step, "/") {
		parts = append(parts, url.PathEscape(part))
	}
	return path + "/steps/" + strings.Join(parts, "/")
}

// Person is somebody who has proven who they are.
type Person struct {
	Subject string
	Groups  []string
}

// Known is a person of the configuration, with the key that their tokens are signed with.
type Known struct {
	Person

	Key ed25519.PublicKey
}

// Kind is what a step waits for.
type Kind string

// The kinds of what is open. A whole case can be ended at any time.
const (
	Approval Kind = "approval"
	Held     Kind = "held"
	Whole    Kind = "case"
)

// Open is what a step of a case waits for now.
type Open struct {
	Case     string     `json:"case"`
	Step     string     `json:"step,omitempty"` // empty: the whole case
	Kind     Kind       `json:"kind"`
	Title    string     `json:"title"`
	Text     string     `json:"text,omitempty"` // of a held step: what to do
	Asked    []string   `json:"asked,omitempty"`
	Choices  []string   `json:"choices"`
	Shown    any        `json:"shown,omitempty"`
	Hash     string     `json:"hash,omitempty"` // of what an approval shows; the decision names it
	Deadline *time.Time `json:"deadline,omitempty"`
	Votes    []Vote     `json:"votes,omitempty"`
}

// Vote is what somebody said already.
type Vote struct {
	By     string    `json:"by"`
	Choice string    `json:"choice"`
	At     time.Time `json:"at"`
}

// Decision is what a person decides about an Open.
type Decision struct {
	Choice  string
	Comment string
	Shown   string         // Hash of what the person saw
	Set     map[string]any // fields of a retried step's input
}

// Errors of a Desk that a person is told apart.
var (
	ErrNotFound    = errors.New("nothing is asked there")
	ErrNotAllowed  = errors.New("not allowed")
	ErrRefused     = errors.New("refused")
	ErrUnavailable = errors.New("no answer now")
)

// Desk is where cases are asked and told.
type Desk interface {
	// Look gives what a step waits for, to a person who may see it; an empty step means the whole case. The error is
	// ErrNotFound, ErrNotAllowed or ErrUnavailable, with a sentence for the person.
	Look(ctx context.Context, of, step string, by Person) (Open, error)
	// Decide hands a decision over in that person's name. The error may also be ErrRefused: it does not fit what is open now.
	Decide(ctx context.Context, what Open, d Decision, by Person) error
}

// Options are what the handler needs.
type Options struct {
	Desk    Desk
	Key     ed25519.PrivateKey // the receiver's: it signs links
	People  []Known
	Issuer  Issuer // of ID tokens; its zero value: none
	Timeout time.Duration
	Log     *slog.Logger
	Now     func() time.Time
}

// Handler answers everything under Path.
type Handler struct {
	opts   Options
	issuer *issuer
	mux    *http.ServeMux
}

// New makes the handler.
func New(opts Options) *Handler {
	h := &Handler{opts: opts, issuer: newIssuer(opts.Issuer, opts.Now), mux: http.NewServeMux()}
	for _, pattern := range []string{Path + "{case}", Path + "{case}/steps/{step...}"} {
		h.mux.HandleFunc("GET "+pattern, h.show)
		h.mux.HandleFunc("POST "+pattern, h.take)
	}
	return h
}

// ServeHTTP answers one request. Nothing of it is kept by browsers or told to other pages.
func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := context.WithTimeout(req.Context(), h.opts.Timeout)
	defer cancel()
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	h.mux.ServeHTTP(w, req.WithContext(ctx))
}

// show says what is open. It decides nothing.
func (h *Handler) show(w http.ResponseWriter, req *http.Request) {
	at := placeOf(req)
	by, err := h.reader(req, at)
	if err != nil {
		h.refuse(w, req, by, err)
		return
	}
	open, err := h.opts.Desk.Look(req.Context(), at.of, at.step, by.Person)
	if err != nil {
		h.refuse(w, req, by, err)
		return
	}
	h.answer(w, req, http.StatusOK, view{Open: &open, By: by.Subject, token: func() string { return h.form(at, by) }})
}

// take hands a decision over.
func (h *Handler) take(w http.ResponseWriter, req *http.Request) {
	at := placeOf(req)
	d, by, err := h.decider(w, req, at)
	if err != nil {
		h.refuse(w, req, by, err)
		return
	}
	open, err := h.opts.Desk.Look(req.Context(), at.of, at.step, by.Person)
	if err == nil {
		err = fits(open, d)
	}
	if err == nil {
		err = h.opts.Desk.Decide(req.Context(), open, d, by.Person)
	}
	if err != nil {
		h.refuse(w, req, by, err)
		return
	}
	h.opts.Log.Info("decided", "case", at.of, "step", at.step, "choice", d.Choice, "by", by.Subject, "proof", by.proof)
	h.answer(w, req, http.StatusOK, view{Decided: &decided{Case: at.of, Step: at.step, Choice: d.Choice, By: by.Subject}})
}

// place is what a request is about.
type place struct{ of, step string }

func placeOf(req *http.Request) place { return place{req.PathValue("case"), req.PathValue("step")} }
