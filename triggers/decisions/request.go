package decisions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// Limits of a request.
const (
	maxBody    = 64 << 10
	maxComment = 1000
)

// body is a decision in JSON.
type body struct {
	Choice  string         `json:"choice"`
	Action  string         `json:"action"` // another name for the choice about a held step
	Comment string         `json:"comment"`
	Shown   string         `json:"shown"`
	Set     map[string]any `json:"set"`
}

// decider reads who decides what. A form carries its own token: a page of somebody else cannot know it. JSON comes with
// the token in a header, which no page of somebody else can set.
func (h *Handler) decider(w http.ResponseWriter, req *http.Request, at place) (Decision, caller, error) {
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		by, err := h.bearer(req, at)
		if err != nil {
			return Decision{}, by, err
		}
		d, err := readJSON(req.Body)
		return d, by, err
	case "application/x-www-form-urlencoded":
		return h.readForm(req, at)
	}
	return Decision{}, caller{}, failed(http.StatusUnsupportedMediaType, "want Content-Type application/json, or the form of the page")
}

func readJSON(from io.Reader) (Decision, error) {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	var b body
	if err := decoder.Decode(&b); err != nil {
		return Decision{}, unreadable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Decision{}, failed(http.StatusBadRequest, "want one JSON object and nothing behind it")
	}
	if b.Choice != "" && b.Action != "" && b.Choice != b.Action {
		return Decision{}, failed(http.StatusBadRequest, "choice and action are two names for one thing, and say two things")
	}
	return checked(Decision{Choice: b.Choice + strings.TrimPrefix(b.Action, b.Choice), Comment: b.Comment, Shown: b.Shown, Set: b.Set})
}

func (h *Handler) readForm(req *http.Request, at place) (Decision, caller, error) {
	if err := req.ParseForm(); err != nil {
		return Decision{}, caller{}, unreadable(err)
	}
	form := req.PostForm
	by, err := h.byLink(form.Get("token"), at, true)
	if err != nil {
		return Decision{}, by, err
	}
	d, err := checked(Decision{Choice: form.Get("choice"), Comment: form.Get("comment"), Shown: form.Get("shown")})
	return d, by, err
}

func unreadable(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return failed(http.StatusRequestEntityTooLarge, "the decision is longer than %d bytes", maxBody)
	}
	return failed(http.StatusBadRequest, "the decision cannot be read: %v", err)
}

func checked(d Decision) (Decision, error) {
	switch {
	case d.Choice == "":
		return d, failed(http.StatusBadRequest, "say what you choose")
	case len(d.Comment) > maxComment:
		return d, failed(http.StatusBadRequest, "the comment is longer than %d bytes", maxComment)
	}
	return d, nil
}

// fits refuses what cannot be a decision about what is open; the case itself looks again.
func fits(open Open, d Decision) error {
	switch {
	case !slices.Contains(open.Choices, d.Choice):
		return fmt.Errorf("%w: %q is none of the choices: %s", ErrRefused, d.Choice, strings.Join(open.Choices, ", "))
	case open.Kind == Approval && d.Shown == "":
		return failed(http.StatusBadRequest, "say what you saw: shown is the hash that GET gives")
	case open.Kind == Approval && len(d.Set) > 0:
		return failed(http.StatusBadRequest, "set is for the retry of a held step")
	}
	return nil
}
