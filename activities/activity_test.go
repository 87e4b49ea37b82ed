package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
)

type markIn struct {
	Node   string   `json:"node" doc:"Name of the node"`
	Labels []string `json:"labels,omitempty" doc:"Labels"`
}

type markOut struct {
	activities.Result

	Was map[string]string `json:"was" doc:"Before"`
}

func mark(undone *markOut) activities.Definition {
	return activities.Define(activities.Activity[markIn, markOut]{
		Name: "kube.mark", Effect: activities.Change,
		Run: func(_ context.Context, _ activities.Call, in markIn) (markOut, error) {
			return markOut{Result: activities.Result{Status: activities.Done, Summary: "marked " + in.Node}}, nil
		},
		Undo: func(_ context.Context, _ activities.Call, _ markIn, out markOut) error {
			*undone = out
			return nil
		},
	})
}

func TestDefineTakesAndGivesJSON(t *testing.T) {
	var undone markOut
	d := mark(&undone)
	out, err := d.Run(t.Context(), activities.Call{}, json.RawMessage(`{"node":"n1"}`))
	if err != nil || string(out) != `{"status":"done","summary":"marked n1","was":null}` {
		t.Fatalf("%s, %v", out, err)
	}
	if err := d.Undo(t.Context(), activities.Call{}, json.RawMessage(`{"node":"n1"}`), out); err != nil || undone.Summary != "marked n1" {
		t.Fatalf("%+v, %v", undone, err)
	}
	if err := d.Undo(t.Context(), activities.Call{}, json.RawMessage(`{"node":"n1"}`), nil); err != nil || undone.Summary != "" {
		t.Fatalf("the undo of a run that never reported got %+v, %v", undone, err)
	}
}

func TestBadInputIsInvalid(t *testing.T) {
	for _, raw := range []string{`{"node":"n1","lables":[]}`, `{"node":1}`, `[]`, `{"node":"n1"} {}`, `{`} {
		_, err := mark(new(markOut)).Run(t.Context(), activities.Call{}, json.RawMessage(raw))
		if kind, ok := activities.KindOf(err); !ok || kind != activities.InvalidInput {
			t.Errorf("%s gave %v", raw, err)
		}
	}
}

func TestTypeOf(t *testing.T) {
	got, err := activities.TypeOf(reflect.TypeFor[markOut]())
	if err != nil {
		t.Fatal(err)
	}
	was, found := got.Field("was")
	want := activities.Field{Name: "was", Doc: "Before", Required: true, Type: activities.Type{Kind: activities.Map, Elem: &activities.Type{Kind: activities.String}}}
	if diff := cmp.Diff(want, was); !found || diff != "" {
		t.Error(diff)
	}
	if would, found := got.Field("would"); !found || would.Required || would.Type.Elem.Kind != activities.Object {
		t.Errorf("the embedded result's field is %+v", would)
	}
}

type loop struct {
	Next *loop `json:"next"`
}

func TestTypesThatCannotTravel(t *testing.T) {
	for name, bad := range map[string]reflect.Type{
		"contains itself": reflect.TypeFor[loop](),
		"no json tag":     reflect.TypeFor[struct{ Node string }](),
		"number keys":     reflect.TypeFor[map[int]string](),
		"channel":         reflect.TypeFor[chan int](),
	} {
		if got, err := activities.TypeOf(bad); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for want, good := range map[activities.TypeKind]reflect.Type{
		activities.Any: reflect.TypeFor[json.RawMessage](), activities.Time: reflect.TypeFor[time.Time](), activities.Integer: reflect.TypeFor[int64](),
		activities.Number: reflect.TypeFor[float32](), activities.List: reflect.TypeFor[[]bool](), activities.String: reflect.TypeFor[*activities.Status](),
	} {
		if got, err := activities.TypeOf(good); err != nil || got.Kind != want {
			t.Errorf("%s is %+v, %v", good, got, err)
		}
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	err := activities.Permanent(activities.NotFound, fs.ErrNotExist, "look for it")
	if err.Error() != "file does not exist; look for it" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, ok := activities.KindOf(errors.New("connection reset")); ok {
		t.Error("a plain error has a kind: it would never be retried")
	}
	throttled := &activities.ThrottledError{After: time.Second, Err: fs.ErrPermission}
	if !errors.Is(throttled, fs.ErrPermission) || throttled.Error() != fs.ErrPermission.Error() {
		t.Error(throttled)
	}
}

type notebook struct{ reported []activities.Progress }

func (n *notebook) Report(p activities.Progress) { n.reported = append(n.reported, p) }

func (n *notebook) Last() (activities.Progress, bool) {
	if len(n.reported) == 0 {
		return activities.Progress{}, false
	}
	return n.reported[len(n.reported)-1], true
}

func TestProgressGoesToTheReporter(t *testing.T) {
	activities.Report(t.Context(), activities.Progress{Done: 1}) // without a reporter: nothing happens
	if _, ok := activities.Resume(t.Context()); ok {
		t.Error("there is something to resume without a reporter")
	}
	n := &notebook{}
	ctx := activities.WithReporter(t.Context(), n)
	activities.Report(ctx, activities.Progress{Done: 3, Total: 4})
	if last, ok := activities.Resume(ctx); !ok || last.Done != 3 {
		t.Errorf("%+v, %t", last, ok)
	}
}

func TestAttempt(t *testing.T) {
	if n := activities.Attempt(t.Context()); n != 1 {
		t.Errorf("where nobody counts it is attempt %d", n)
	}
	if n := activities.Attempt(activities.WithAttempt(t.Context(), 3)); n != 3 {
		t.Errorf("the third attempt is told that it is attempt %d", n)
	}
}

func TestCatalogKeepsItsOrder(t *testing.T) {
	c := activities.NewCatalog(mark(new(markOut)), activities.Definition{Name: "a.first"})
	if all := c.All(); len(all) != 2 || all[0].Name != "kube.mark" {
		t.Errorf("%v", all)
	}
	if _, found := c.Find("a.first"); !found {
		t.Error("a.first is not found")
	}
	if _, found := c.Find("a.second"); found {
		t.Error("a.second is found")
	}
}
