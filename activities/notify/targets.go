package notify

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
)

// Kinds of targets.
const (
	Webhook = "webhook" // JSON with everything
	Slack   = "slack"   // an incoming webhook of Slack, or of what takes the same
)

// Targets are where people are told, and what messages need. The zero value tells nobody.
type Targets struct {
	List   []Target
	People []Person // who can be given links of their own
	// Page gives the address at which a step is decided; "" where none is known. Nil: none is.
	Page func(of, step string) string
	// Link gives an address that lets one person decide about one step, for a short time. Nil: nobody gets one.
	Link func(of, step string, p Person) (string, error)
	HTTP *http.Client // nil: one that follows no redirects
	Log  *slog.Logger // takes what no target takes; may be nil
}

// Target is one webhook. Its address is a secret: whoever knows it can write there.
type Target struct {
	Kind    string
	Address func() (string, error) // asked for each message, so that it may be renewed
	Circles []string               // the approvers whose messages come here, and those for everybody; empty: all messages
	Person  *Person                // the one person who reads here; nil: several do
	Links   bool                   // it hands each person's link to that person alone
}

// Person is somebody who may be asked.
type Person struct {
	Subject string
	Groups  []string
}

// takes tells whether a message is for those who read at the target.
func (t Target) takes(to Audience) bool {
	if len(t.Circles) > 0 && !to.everybody() && !overlap(t.Circles, to.Circles) {
		return false
	}
	return t.Person == nil || to.everybody() || to.asks(*t.Person)
}

func (a Audience) everybody() bool { return len(a.Circles)+len(a.Groups)+len(a.Subjects) == 0 }

// asks tells whether the message is for that person.
func (a Audience) asks(p Person) bool {
	return slices.Contains(a.Subjects, p.Subject) || overlap(a.Groups, p.Groups)
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(one string) bool { return slices.Contains(b, one) })
}

// log keeps what nobody was told for whoever reads the worker's log.
func (t Targets) log(call activities.Call, in SendInput) {
	if t.Log != nil && !call.DryRun {
		t.Log.Warn("nobody was told", "case", call.Case, "title", in.Title, "text", in.Text, "about", in.About, "for", in.To.words())
	}
}
