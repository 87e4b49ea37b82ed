package plan_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// TestPrometheusReadsBackWhatIsQuoted asks a real Prometheus what it takes a literal for.
func TestPrometheusReadsBackWhatIsQuoted(t *testing.T) {
	address := labenv.Load(t).Prometheus
	for _, text := range append(hostile(), "\x00\x1b[2J\x7f", "it's \"this\"", "日本\u2029", "${1} $1") {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			for _, quote := range []string{`"`, `'`} {
				if got := valueOf(t, address, quote+plan.Escape(text)+quote); got != text {
					t.Errorf("in %s it is %q", quote, got)
				}
			}
		})
	}
}

// valueOf gives the text that a literal of PromQL stands for.
func valueOf(t *testing.T, address, literal string) string {
	t.Helper()
	query := `label_join(vector(1), "got", ` + literal + `, "absent", "absent")`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Error != "" || len(answer.Data.Result) != 1 {
		t.Fatalf("%s: %s", query, answer.Error)
	}
	return answer.Data.Result[0].Metric["got"]
}
