package receiver

import (
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers/alertmanager"
	"github.com/firebreak-ir/firebreak/triggers/cloudevents"
	"github.com/firebreak-ir/firebreak/triggers/falco"
)

// source is one form in which alerts come.
type source struct {
	path      string
	wants     string // media type, for the message
	most      int64  // bytes of a body
	reads     func(http.Header) bool
	decode    func(http.Header, io.Reader) (batch, error)
	tooLarge  func(error) bool
	malformed func(error) bool
}

// batch is what one request holds.
type batch struct {
	alerts    []plan.Alert
	wrong     []error // alerts that cannot be read
	grouped   bool    // answered as a group, also where there is one alert or none
	resolved  int     // alerts that are over
	truncated int     // alerts that the sender left out
}

// sources are all forms.
func sources() []source {
	return []source{
		{
			path: AlertPath, wants: "application/json", most: falco.MaxBytes, reads: isJSON,
			decode: func(_ http.Header, body io.Reader) (batch, error) {
				a, err := falco.Decode(body)
				return batch{alerts: []plan.Alert{a}}, err
			},
			tooLarge:  func(err error) bool { return errors.Is(err, falco.ErrTooLarge) },
			malformed: func(err error) bool { return errors.As(err, new(*falco.MalformedError)) },
		},
		{
			path: AlertmanagerPath, wants: "application/json", most: alertmanager.MaxBytes, reads: isJSON,
			decode: func(_ http.Header, body io.Reader) (batch, error) {
				g, err := alertmanager.Decode(body)
				return batch{alerts: g.Firing, wrong: g.Wrong, grouped: true, resolved: g.Resolved, truncated: g.Truncated}, err
			},
			tooLarge:  func(err error) bool { return errors.Is(err, alertmanager.ErrTooLarge) },
			malformed: func(err error) bool { return errors.As(err, new(*alertmanager.MalformedError)) },
		},
		{
			path: EventPath, wants: cloudevents.StructuredType + ", or any with the headers of an event", most: cloudevents.MaxBytes, reads: isEvent,
			decode: func(header http.Header, body io.Reader) (batch, error) {
				a, err := cloudevents.Decode(header, body)
				return batch{alerts: []plan.Alert{a}}, err
			},
			tooLarge:  func(err error) bool { return errors.Is(err, cloudevents.ErrTooLarge) },
			malformed: func(err error) bool { return errors.As(err, new(*cloudevents.MalformedError)) },
		},
	}
}

func isJSON(header http.Header) bool { return mediaType(header) == "application/json" }

func isEvent(header http.Header) bool {
	return mediaType(header) == cloudevents.StructuredType || header.Get("Ce-Specversion") != ""
}

func mediaType(header http.Header) string {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}
