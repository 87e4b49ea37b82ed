package codec

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"

	"go.temporal.io/sdk/converter"
)

// Paths that the server answers. The Web UI and the temporal command append the first two to the endpoint they are given.
const (
	DecodePath = "/decode"
	EncodePath = "/encode"
	HealthPath = "/healthz"
)

// MaxBody is the most bytes of a request: a page of a history whose events are near their limit, in base64.
const MaxBody = 16 << 20

// atOnce is how many requests are worked on at a time; each may need several times its body in memory.
const atOnce = 8

// ServerOptions say who may decrypt.
type ServerOptions struct {
	Ring   *Ring
	Origin string // of the Web UI, such as https://temporal.example.com; empty: no page may ask
	Token  string // bearer token; empty: the listener admits only whom it should
	Log    *slog.Logger
}

// Handler answers the Web UI and the temporal command, which send payloads and get them decrypted or encrypted.
func Handler(o ServerOptions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+HealthPath, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	s := server{ServerOptions: o, slots: make(chan struct{}, atOnce), work: converter.NewPayloadCodecHTTPHandler(o.Ring)}
	for _, path := range []string{DecodePath, EncodePath} {
		mux.HandleFunc("POST "+path, s.answer)
		mux.HandleFunc("OPTIONS "+path, s.preflight)
	}
	return anyEndpoint(mux)
}

// anyEndpoint takes an endpoint that was written with a slash at its end, after which pages ask for //decode. The mux would
// send them elsewhere, and a browser's question before the request may not be sent elsewhere.
func anyEndpoint(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "//") {
			straight := *req.URL
			straight.Path = "/" + strings.TrimLeft(req.URL.Path, "/")
			req = req.WithContext(req.Context())
			req.URL = &straight
		}
		next.ServeHTTP(w, req)
	})
}

type server struct {
	ServerOptions

	slots chan struct{}
	work  http.Handler
}

func (s server) answer(w http.ResponseWriter, req *http.Request) {
	if !s.fromUI(w, req) {
		return
	}
	if !s.admits(req) {
		s.Log.Warn("refused: no such token", "path", req.URL.Path, "remote", req.RemoteAddr)
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "the codec server wants its bearer token", http.StatusUnauthorized)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-req.Context().Done():
		return
	}
	req.Body = http.MaxBytesReader(w, req.Body, MaxBody)
	s.work.ServeHTTP(w, req)
}

// preflight tells a browser what the UI's page may send. A browser sends no token with this question.
func (s server) preflight(w http.ResponseWriter, req *http.Request) {
	if !s.fromUI(w, req) {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// fromUI refuses pages of other origins, before anything is decrypted. Every browser names a page's origin with such a request;
// who names none is no page.
func (s server) fromUI(w http.ResponseWriter, req *http.Request) bool {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Origin")
	origin := req.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if s.Origin == "" || origin != s.Origin {
		s.Log.Warn("refused: a page of another origin", "origin", origin, "remote", req.RemoteAddr)
		http.Error(w, "pages of this origin may not ask", http.StatusForbidden)
		return false
	}
	h.Set("Access-Control-Allow-Origin", s.Origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	return true
}

// admits compares hashes, which have one length, so that comparing tells nothing about the token.
func (s server) admits(req *http.Request) bool {
	if s.Token == "" {
		return true
	}
	scheme, given, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(s.Token)), sha256.Sum256([]byte(strings.TrimSpace(given)))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && strings.EqualFold(scheme, "bearer")
}
