package live_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/activities/live"
	"github.com/firebreak-ir/firebreak/custody"
)

// apiServer serves one pod, whose deletion and broken connections a test can place between two bytes.
type apiServer struct {
	gone, replaced atomic.Bool
	logs           map[string]func(http.ResponseWriter) // by container, and "container (previous run)"
	asked          []string
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/log") {
		s.log(w, r)
		return
	}
	if s.gone.Load() {
		notFound(w)
		return
	}
	uid := "uid-1"
	if s.replaced.Load() {
		uid = "uid-2"
	}
	fmt.Fprintf(w, `{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"shop","name":"web","uid":%q},
		"spec":{"nodeName":"n","initContainers":[{"name":"prepare"}],"containers":[{"name":"web"},{"name":"sidecar"}],"ephemeralContainers":[{"name":"debug"}]},
		"status":{"containerStatuses":[{"name":"web","restartCount":1}],"ephemeralContainerStatuses":[{"name":"debug"}]}}`, uid)
}

func notFound(w http.ResponseWriter) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"pods \"web\" not found"}`)
}

func (s *apiServer) log(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name := q.Get("container")
	if q.Get("previous") == "true" {
		name += " (previous run)"
	}
	if q.Get("timestamps") != "true" {
		name += " without timestamps"
	}
	s.asked = append(s.asked, name)
	if s.gone.Load() {
		notFound(w)
		return
	}
	if answer := s.logs[name]; answer != nil {
		answer(w)
		return
	}
	line(w, name)
}

func line(w http.ResponseWriter, text string) {
	fmt.Fprintf(w, "2026-11-20T08:00:00.000000001Z %s\n", text)
	w.(http.Flusher).Flush()
}

// cut ends the connection in the middle of an answer.
func cut() { panic(http.ErrAbortHandler) }

func serve(t *testing.T, s *apiServer) live.Cluster {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	k, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	kubetest.Must(t, err)
	return cluster{k}
}

func web() live.LogsIn {
	return live.LogsIn{Pod: live.PodRef{Namespace: "shop", Name: "web", UID: "uid-1"}}
}

func names(out live.LogsOut) (kept, unread []string) {
	for _, l := range out.Logs {
		name := l.Container
		if l.Previous {
			name += " (previous run)"
		}
		if l.Cut {
			name += ", cut"
		}
		kept = append(kept, name)
	}
	for _, u := range out.Unread {
		unread = append(unread, u.Container)
	}
	return kept, unread
}

func content(t *testing.T, s *custody.Store, item custody.Item) string {
	t.Helper()
	c, err := s.Case(caseID)
	kubetest.Must(t, err)
	name, err := c.Path(item.Path)
	kubetest.Must(t, err)
	raw, err := os.ReadFile(name)
	kubetest.Must(t, err)
	return string(raw)
}

func TestEveryContainerIsAskedForWithTimestamps(t *testing.T) {
	s := &apiServer{}
	out, err := run(t, live.Logs(serve(t, s), store(t)), call(), web())
	kubetest.Must(t, err)
	want := []string{"prepare", "web (previous run)", "web", "sidecar", "debug"}
	if kept, _ := names(out); !slices.Equal(s.asked, want) || !slices.Equal(kept, want) {
		t.Errorf("asked for %q, kept %q, want %q", s.asked, kept, want)
	}
}

func TestEarlierRunsAreLeftOutWhenAskedTo(t *testing.T) {
	s, no, to := &apiServer{}, false, store(t)
	in := web()
	in.Previous, in.To = &no, "file://"+to.Root()
	_, err := run(t, live.Logs(serve(t, s), to), call(), in)
	kubetest.Must(t, err)
	if want := []string{"prepare", "web", "sidecar", "debug"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked for %q, want %q", s.asked, want)
	}
}

func TestAnotherStoreIsRefusedBeforeAnythingIsRead(t *testing.T) {
	s, in := &apiServer{}, web()
	in.To = "s3://forensics/cases"
	_, err := run(t, live.Logs(serve(t, s), store(t)), call(), in)
	if kind, _ := activities.KindOf(err); kind != activities.InvalidInput || len(s.asked) > 0 {
		t.Errorf("%v, asked for %q", err, s.asked)
	}
}

func TestAPodThatIsDeletedWhileItIsReadKeepsWhatWasRead(t *testing.T) {
	s, to := &apiServer{}, store(t)
	s.logs = map[string]func(http.ResponseWriter){"web": func(w http.ResponseWriter) {
		line(w, "the last words")
		s.gone.Store(true)
		cut()
	}}
	d := live.Logs(serve(t, s), to)
	first, err := run(t, d, call(), web())
	kubetest.Must(t, err)
	kept, unread := names(first)
	if !slices.Equal(kept, []string{"prepare", "web (previous run)", "web, cut"}) || !slices.Equal(unread, []string{"sidecar", "debug"}) {
		t.Fatalf("kept %q, unread %q", kept, unread)
	}
	if text := content(t, to, first.Logs[2].Item); !strings.HasSuffix(text, "the last words\n") {
		t.Errorf("kept %q", text)
	}
	if !strings.Contains(first.Summary, "cut short when the pod was deleted: web;") {
		t.Errorf("summary %q", first.Summary)
	}
	again, err := run(t, d, call(), web()) // the worker was killed before it reported
	kubetest.Must(t, err)
	if !slices.Equal(again.Logs, first.Logs) || again.Status != activities.Done {
		t.Errorf("a retry gave %+v, the first %+v", again, first)
	}
}

func TestAKilledWorkerKeepsTheLogsOfAPodThatIsGoneByThen(t *testing.T) {
	for what, gone := range map[string]func(*apiServer){
		"deleted":  func(s *apiServer) { s.gone.Store(true) },
		"replaced": func(s *apiServer) { s.replaced.Store(true) },
	} {
		t.Run(what, func(t *testing.T) {
			ctx, kill := context.WithCancel(t.Context())
			s, to := &apiServer{}, store(t)
			s.logs = map[string]func(http.ResponseWriter){"sidecar": func(w http.ResponseWriter) {
				line(w, "half")
				kill()
				gone(s)
			}}
			d := live.Logs(serve(t, s), to)
			if _, err := runIn(ctx, t, d, call(), web()); err == nil {
				t.Fatal("the first attempt was not killed")
			}
			out, err := run(t, d, call(), web())
			kubetest.Must(t, err)
			kept, unread := names(out)
			if !slices.Equal(kept, []string{"prepare", "web (previous run)", "web"}) || !slices.Equal(unread, []string{"*"}) {
				t.Errorf("kept %q, unread %q", kept, unread)
			}
		})
	}
}

func TestAPodThatWasNeverReadIsNotFound(t *testing.T) {
	s := &apiServer{}
	s.gone.Store(true)
	_, err := run(t, live.Logs(serve(t, s), store(t)), call(), web())
	if kind, _ := activities.KindOf(err); kind != activities.NotFound {
		t.Errorf("got %v", err)
	}
}

// A connection that breaks while the pod is there is asked for again; one whose pod was replaced is no evidence at all.
func TestABrokenConnectionIsNotTheEndOfALog(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		s, to := &apiServer{}, store(t)
		s.logs = map[string]func(http.ResponseWriter){"web": func(w http.ResponseWriter) {
			line(w, "half")
			s.replaced.Store(replaced)
			cut()
		}}
		_, err := run(t, live.Logs(serve(t, s), to), call(), web())
		if _, permanent := activities.KindOf(err); err == nil || permanent != replaced {
			t.Errorf("replaced %v: got %v", replaced, err)
		}
		c, err := to.Case(caseID)
		kubetest.Must(t, err)
		if entries, err := c.Log(); err != nil || slices.ContainsFunc(entries, func(e custody.Entry) bool { return strings.HasSuffix(e.Item.Path, "/web.log") }) {
			t.Errorf("replaced %v: half a log became evidence (%v)", replaced, err)
		}
	}
}

func TestALargeLogIsNotHeldInMemory(t *testing.T) {
	const size = 64 << 20
	s := &apiServer{}
	s.logs = map[string]func(http.ResponseWriter){"web": func(w http.ResponseWriter) {
		line(w, "begin")
		part := bytes.Repeat([]byte("x"), 1<<16)
		for range size / len(part) {
			_, _ = w.Write(part)
		}
	}}
	d := live.Logs(serve(t, s), store(t))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, err := run(t, d, call(), web())
	kubetest.Must(t, err)
	runtime.ReadMemStats(&after)
	if out.Bytes < size || after.TotalAlloc-before.TotalAlloc > size/8 {
		t.Errorf("a log of %d bytes took %d bytes of memory", out.Bytes, after.TotalAlloc-before.TotalAlloc)
	}
}
