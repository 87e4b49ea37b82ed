package decisions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// failure is an answer that is not the desk's.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func failed(status int, format string, args ...any) error {
	return &failure{status, fmt.Sprintf(format, args...)}
}

// statusOf gives the HTTP status of an error.
func statusOf(err error) int {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f.status
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrNotAllowed):
		return http.StatusForbidden
	case errors.Is(err, ErrRefused):
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}

// decided is what became of a decision.
type decided struct {
	Case   string `json:"case"`
	Step   string `json:"step,omitempty"`
	Choice string `json:"choice"`
	By     string `json:"by"`
}

// view is what is answered: one of the three.
type view struct {
	*Open

	By      string
	Decided *decided
	Error   string

	token func() string // for the form
}

// refuse answers an error with one sentence. What the machine says of itself is for the log.
func (h *Handler) refuse(w http.ResponseWriter, req *http.Request, by caller, err error) {
	status := statusOf(err)
	h.opts.Log.Warn("no decision", "status", status, "path", req.URL.EscapedPath(), "by", by.Subject, "from", req.RemoteAddr, "error", err)
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="firebreak"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "10")
		text = "there is no answer now: " + ErrUnavailable.Error() + " from the cases or from whoever says who you are; try again"
	}
	h.answer(w, req, status, view{Error: text})
}

// answer writes JSON, or a page for a browser.
func (h *Handler) answer(w http.ResponseWriter, req *http.Request, status int, v view) {
	var text []byte
	var err error
	if browser(req) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		text, err = page(v)
	} else {
		w.Header().Set("Content-Type", "application/json")
		text, err = v.json()
	}
	if err != nil {
		h.opts.Log.Error("answer", "error", err)
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // the person is gone; the decision is not
}

func browser(req *http.Request) bool { return strings.Contains(req.Header.Get("Accept"), "text/html") }

func (v view) json() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(true)
	var err error
	switch {
	case v.Error != "":
		err = encoder.Encode(struct {
			Error string `json:"error"`
		}{v.Error})
	case v.Decided != nil:
		err = encoder.Encode(v.Decided)
	default:
		err = encoder.Encode(v.Open)
	}
	return b.Bytes(), err
}
