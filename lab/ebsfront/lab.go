package ebsfront

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

func isLab(path string) bool { return strings.HasPrefix(path, "/_lab/") }

// labAPI serves what tests ask of the front itself.
func (f *Front) labAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_lab/health", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /_lab/calls", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, f.calls.of(r.URL.Query().Get("resource")))
	})
	mux.HandleFunc("GET /_lab/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, f.faults.all())
	})
	mux.HandleFunc("POST /_lab/faults", f.orderFault)
	mux.HandleFunc("POST /_lab/limits", f.setLimit)
	mux.HandleFunc("DELETE /_lab/faults", func(w http.ResponseWriter, r *http.Request) {
		f.faults.clear(r.URL.Query().Get("resource"))
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (f *Front) orderFault(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	decoder.DisallowUnknownFields()
	var fault Fault
	err := decoder.Decode(&fault)
	if err == nil {
		fault, err = f.faults.add(fault)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusCreated, fault)
}

// calls counts every call under "*", under the caller's access key and under each id that it names.
type calls struct {
	mu     sync.Mutex
	counts map[string]map[string]int // action -> name -> count
}

func (c *calls) count(action string, names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[action] == nil {
		c.counts[action] = map[string]int{}
	}
	c.counts[action]["*"]++
	for _, name := range names {
		c.counts[action][name]++
	}
}

// of gives action -> name -> count, of one name alone unless it is empty.
func (c *calls) of(name string) map[string]map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]map[string]int{}
	for action, counts := range c.counts {
		if name == "" {
			out[action] = maps.Clone(counts)
		} else if n := counts[name]; n > 0 {
			out[action] = map[string]int{name: n}
		}
	}
	return out
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`"`+http.StatusText(http.StatusInternalServerError)+`"`)
	}
	reply(w, status, "application/json", body)
}

// reply sends a whole answer. A client that has gone away gets none, which is nobody's error.
func reply(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
