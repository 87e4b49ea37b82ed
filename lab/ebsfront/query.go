package ebsfront

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// query serves a query-protocol request: EC2's snapshot calls here, everything else by moto.
func (f *Front) query(w http.ResponseWriter, c *call) {
	shaping, done := f.strike(w, c, nil)
	switch {
	case done:
	case c.service != "ec2":
		f.proxy.ServeHTTP(w, c.request)
	case c.dryRun():
		c.refuse(w, refusal{status: 412, code: "DryRunOperation", message: "Request would have succeeded, but DryRun flag is set."})
	default:
		f.ec2(w, c, shaping)
	}
}

func (f *Front) ec2(w http.ResponseWriter, c *call, shaping []Fault) {
	switch c.action {
	case "CreateSnapshot", "CreateSnapshots":
		f.create(w, c, shaping)
	case "DescribeSnapshots":
		f.describe(w, c, shaping)
	case "DeleteSnapshot":
		f.delete(w, c)
	case "LockSnapshot":
		f.lock(w, c)
	case "DescribeLockedSnapshots":
		f.locked(w, c)
	default:
		f.proxy.ServeHTTP(w, c.request)
	}
}

// answer is what moto said.
type answer struct {
	status int
	body   []byte
}

func (a answer) send(w http.ResponseWriter) {
	reply(w, a.status, xmlKind, a.body)
}

// patience is how long moto may take.
const patience = time.Minute

// ask sends a form to moto in the caller's name and region. It goes on when the caller hangs up: EC2 too finishes what
// it has begun, and a set that moto made must get its images.
func (f *Front) ask(c *call, form url.Values) (answer, error) {
	target := *f.upstream
	target.Path = "/"
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.request.Context()), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Host = c.request.Host
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		if v := c.request.Header.Get(name); v != "" {
			r.Header.Set(name, v)
		}
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("ask moto %q: %w", form.Get("Action"), err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, body}, err
}
