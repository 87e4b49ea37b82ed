package ebsfront

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// describe lets moto find the snapshots and shows their true state. A filter on the state is applied here, since moto
// takes every snapshot for completed.
func (f *Front) describe(w http.ResponseWriter, c *call, shaping []Fault) {
	form, states := withoutStatus(c.form)
	got, err := f.ask(c, form)
	if err != nil || got.status != http.StatusOK {
		f.relay(w, c, got, err)
		return
	}
	root, err := parseTree(got.body)
	if err != nil {
		c.refuse(w, refusal{status: 500, code: "InternalError", message: err.Error()})
		return
	}
	lag, lags := shaped(shaping, Lag)
	root.snapshots(func(e *element) bool {
		one, known := f.store.find(e.text("snapshotId"))
		if lags && (!known || f.clock().Sub(one.Started) < time.Duration(lag.Millis)*time.Millisecond) {
			return false
		}
		if known {
			f.show(e, one)
		}
		return len(states) == 0 || slices.Contains(states, e.text("status"))
	})
	writeXML(w, http.StatusOK, root)
}

// withoutStatus takes the filter "status" out of a form and gives its values.
func withoutStatus(form url.Values) (url.Values, []string) {
	out, number := url.Values{}, ""
	for key := range maps.Keys(form) {
		if strings.HasPrefix(key, "Filter.") && strings.HasSuffix(key, ".Name") && form.Get(key) == "status" {
			number = strings.TrimSuffix(key, "Name")
		}
	}
	var states []string
	for key, values := range form {
		switch {
		case number == "" || !strings.HasPrefix(key, number):
			out[key] = values
		case strings.HasPrefix(key, number+"Value."):
			states = append(states, values...)
		}
	}
	return out, states
}

// delete lets moto delete the snapshot and drops its copy. EC2 refuses a locked one.
func (f *Front) delete(w http.ResponseWriter, c *call) {
	one, known := f.store.find(c.form.Get("SnapshotId"))
	if known && one.Lock != nil && f.clock().Before(one.Lock.Expires) {
		c.refuse(w, refusal{status: 400, code: "OperationNotPermitted", message: "The snapshot '" + one.ID + "' is locked."})
		return
	}
	got, err := f.ask(c, c.form)
	if err == nil && got.status == http.StatusOK && known {
		err = f.store.remove(one.ID)
	}
	f.relay(w, c, got, err)
}
