package prometheus

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/lab/leaveout"
	"github.com/firebreak-ir/firebreak/lab/process"
)

// TestItWatchesItself starts the program that this machine has, and asks it.
func TestItWatchesItself(t *testing.T) {
	program, found := Find(t.TempDir())
	if !found {
		var err error
		if program, err = Ensure(t.Context(), t.TempDir(), t.Output()); err != nil {
			leaveout.Test(t, "this machine has no Prometheus and cannot fetch it: %v", err)
		}
	}
	ports, err := process.FreePorts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	group, err := process.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	spec, err := Spec(program, t.TempDir(), ports[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := group.Down(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err := group.Start(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(spec.Args[2], "--web.listen-address=")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if up(t, "http://"+address+"/api/v1/query?query=up") == "1" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not watch itself")
		}
	}
}

func up(t *testing.T, url string) any {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Data.Result) != 1 {
		return nil
	}
	return answer.Data.Result[0].Value[1]
}
