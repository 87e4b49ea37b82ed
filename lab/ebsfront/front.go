// Package ebsfront is a small AWS front before moto: it serves the EBS direct APIs from disk images bound to volumes by
// a tag, gives snapshots a time to complete, fails on request and counts calls; everything else it passes on.
package ebsfront

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// ImageTag is the tag of a volume whose value is the path of the disk image that is the volume's content.
const ImageTag = "firebreak-lab/image"

// Config says where the front listens, what stands behind it and where it keeps its snapshots.
type Config struct {
	Upstream   string        // moto's URL
	State      string        // directory for copies of images and what is known of them; survives a restart
	Listen     string        // host:port; port 0 picks one, see Ready
	Completion time.Duration // from pending to completed; 3 s when zero
	Clock      func() time.Time
	Ready      func(addr string) // called once with the address when requests are answered; may be nil
}

// Front answers AWS requests. It is an http.Handler.
type Front struct {
	upstream   *url.URL
	proxy      *httputil.ReverseProxy
	store      *store
	tokens     tokens
	faults     *faults
	limits     *limits
	calls      *calls
	completion time.Duration
	clock      func() time.Time
	lab        http.Handler
}

// New makes a front and takes up what an earlier one left in its state directory.
func New(cfg Config) (*Front, error) {
	upstream, err := url.Parse(cfg.Upstream)
	if err != nil || upstream.Host == "" {
		return nil, fmt.Errorf("upstream %q is not a URL", cfg.Upstream)
	}
	if cfg.Completion == 0 {
		cfg.Completion = 3 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	kept, err := openStore(cfg.State)
	if err != nil {
		return nil, err
	}
	secret, err := kept.secret()
	if err != nil {
		return nil, err
	}
	f := &Front{
		upstream: upstream, proxy: httputil.NewSingleHostReverseProxy(upstream), store: kept, tokens: tokens{secret},
		faults: &faults{}, limits: &limits{of: map[string]*bucket{}}, calls: &calls{counts: map[string]map[string]int{}}, completion: cfg.Completion, clock: cfg.Clock,
	}
	f.lab = f.labAPI()
	return f, nil
}

// Serve answers requests until ctx ends.
func Serve(ctx context.Context, cfg Config) error {
	front, err := New(cfg)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", cfg.Listen, err)
	}
	server := &http.Server{Handler: front, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what is cut off asks again
	defer stop()
	if cfg.Ready != nil {
		cfg.Ready(listener.Addr().String())
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %q: %w", cfg.Listen, err)
	}
	return nil
}

// ServeHTTP sends a request to the part that knows it, or on to moto.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isLab(r.URL.Path) {
		f.lab.ServeHTTP(w, r)
		return
	}
	call, err := parseCall(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch {
	case call.service == "ebs":
		f.direct(w, call)
	case call.form != nil:
		f.query(w, call)
	default:
		f.proxy.ServeHTTP(w, r)
	}
}
