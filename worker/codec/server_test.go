package codec

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	uiOrigin = "https://temporal.example.com"
	bearer   = "Bearer 0123456789abcdef"
)

func codecServer(t *testing.T, o ServerOptions) *httptest.Server {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	s := httptest.NewServer(Handler(o))
	t.Cleanup(s.Close)
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // as a browser's preflight
	return s
}

func ask(t *testing.T, s *httptest.Server, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func asJSON(t *testing.T, p ...*commonpb.Payload) string {
	t.Helper()
	raw, err := protojson.Marshal(&commonpb.Payloads{Payloads: p})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestServer(t *testing.T) {
	r := ring(t, "k1", key("k1", 1))
	s := codecServer(t, ServerOptions{Ring: r, Origin: uiOrigin, Token: strings.TrimPrefix(bearer, "Bearer ")})
	sealed := asJSON(t, encrypt(t, r, plain(`"shop"`)))
	foreign := asJSON(t, encrypt(t, ring(t, "k9", key("k9", 9)), plain(`"shop"`)))
	for name, c := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		says               string
	}{
		"decode":          {"POST", DecodePath, sealed, []string{"Authorization", bearer}, 200, "InNob3Ai"}, // "shop" in base64
		"from the UI":     {"POST", DecodePath, sealed, []string{"Authorization", bearer, "Origin", uiOrigin}, 200, "InNob3Ai"},
		"with a slash":    {"POST", "/" + DecodePath, sealed, []string{"Authorization", bearer}, 200, "InNob3Ai"},
		"encode":          {"POST", EncodePath, asJSON(t, plain("1")), []string{"Authorization", bearer}, 200, "YmluYXJ5L2VuY3J5cHRlZA"},
		"no token":        {"POST", DecodePath, sealed, nil, 401, "bearer token"},
		"wrong token":     {"POST", DecodePath, sealed, []string{"Authorization", bearer + "0"}, 401, "bearer token"},
		"basic":           {"POST", DecodePath, sealed, []string{"Authorization", "Basic 0123456789abcdef"}, 401, "bearer token"},
		"other page":      {"POST", DecodePath, sealed, []string{"Authorization", bearer, "Origin", "https://temporal.example.com.evil"}, 403, "origin"},
		"no page":         {"POST", DecodePath, sealed, []string{"Authorization", bearer, "Origin", "null"}, 403, "origin"},
		"foreign key":     {"POST", DecodePath, foreign, []string{"Authorization", bearer}, 400, `"k9"`},
		"no JSON":         {"POST", DecodePath, "{", []string{"Authorization", bearer}, 400, ""},
		"too much":        {"POST", DecodePath, strings.Repeat(" ", MaxBody+1), []string{"Authorization", bearer}, 400, "too large"},
		"elsewhere":       {"POST", "/", sealed, []string{"Authorization", bearer}, 404, ""},
		"get":             {"GET", DecodePath, "", []string{"Authorization", bearer}, 405, ""},
		"health":          {"GET", HealthPath, "", nil, 200, ""},
		"other page asks": {"OPTIONS", DecodePath, "", []string{"Origin", "http://127.0.0.1:8080"}, 403, "origin"},
	} {
		t.Run(name, func(t *testing.T) {
			res, body := ask(t, s, c.method, c.path, c.body, c.header...)
			if res.StatusCode != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%d %s", res.StatusCode, body)
			}
			if c.status != 200 && strings.Contains(body, "InNob3Ai") {
				t.Error("it was decrypted all the same")
			}
			if allowed := res.Header.Get("Access-Control-Allow-Origin"); allowed != "" && name != "from the UI" {
				t.Errorf("%q may ask", allowed)
			}
		})
	}
}

// TestABrowserIsTold what it asks for before the page's request: this is what the Web UI needs.
func TestABrowserIsTold(t *testing.T) {
	s := codecServer(t, ServerOptions{Ring: ring(t, "k1", key("k1", 1)), Origin: uiOrigin, Token: "0123456789abcdef"})
	res, _ := ask(t, s, "OPTIONS", "/"+DecodePath, "", "Origin", uiOrigin, // an endpoint with a slash at its end
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-namespace")
	got := map[string]string{}
	for name := range res.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Vary" {
			got[name] = res.Header.Get(name)
		}
	}
	want := map[string]string{
		"Access-Control-Allow-Origin": uiOrigin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
		"Access-Control-Allow-Methods": "POST, OPTIONS", "Access-Control-Max-Age": "600",
		"Access-Control-Allow-Headers": "Authorization, Content-Type, X-Namespace",
	}
	if diff := cmp.Diff(want, got); diff != "" || res.StatusCode != http.StatusNoContent {
		t.Errorf("%d (-want +got):\n%s", res.StatusCode, diff)
	}
}

func TestWithoutAnOriginNoPageMayAsk(t *testing.T) {
	r := ring(t, "k1", key("k1", 1))
	s := codecServer(t, ServerOptions{Ring: r})
	body := asJSON(t, encrypt(t, r, plain("1")))
	if res, _ := ask(t, s, "POST", DecodePath, body, "Origin", uiOrigin); res.StatusCode != http.StatusForbidden {
		t.Errorf("a page: %d", res.StatusCode)
	}
	if res, _ := ask(t, s, "POST", DecodePath, body); res.StatusCode != http.StatusOK {
		t.Errorf("a command: %d", res.StatusCode)
	}
}
