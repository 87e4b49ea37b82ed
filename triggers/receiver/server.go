package receiver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

// Access says who may send alerts.
type Access struct {
	Token            string
	CertFile         string // with KeyFile: TLS
	KeyFile          string
	ClientCAFile     string       // with TLS: only clients with a certificate of this CA
	InsecureLoopback bool         // neither token nor client CA, on loopback only
	Log              *slog.Logger // for a renewed certificate that cannot be read; may be nil
}

const shortestToken = 16

// ErrOpen is returned where anybody could start playbooks.
var ErrOpen = errors.New("the receiver has neither a token nor a client CA: anybody who reaches it could start playbooks; configure receiver.token or receiver.tls.clientCA")

// AccessError is a mistake in Access: no listener is opened.
type AccessError struct{ Err error }

// Error gives the mistake.
func (e *AccessError) Error() string { return e.Err.Error() }

// Unwrap gives the mistake.
func (e *AccessError) Unwrap() error { return e.Err }

// Listen opens the listener, with TLS where a certificate is named. It refuses to open one that anybody may use, with
// an AccessError; any other error is the machine's.
func Listen(ctx context.Context, address string, access Access) (net.Listener, error) {
	if err := access.check(); err != nil {
		return nil, &AccessError{err}
	}
	config, err := access.tls()
	if err != nil {
		return nil, &AccessError{err}
	}
	plain, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	if access.open() && !onLoopback(plain.Addr()) {
		err := fmt.Errorf("%w; %s is not a loopback address", ErrOpen, plain.Addr())
		return nil, &AccessError{errors.Join(err, plain.Close())}
	}
	if config == nil {
		return plain, nil
	}
	return tls.NewListener(plain, config), nil
}

func (a Access) open() bool { return a.Token == "" && a.ClientCAFile == "" }

func (a Access) check() error {
	switch {
	case a.open() && !a.InsecureLoopback:
		return ErrOpen
	case a.Token != "" && len(a.Token) < shortestToken:
		return fmt.Errorf("the token has %d characters: use at least %d, such as the output of `openssl rand -hex 32`", len(a.Token), shortestToken)
	case (a.CertFile == "") != (a.KeyFile == ""):
		return errors.New("TLS needs both a certificate and its key")
	case a.ClientCAFile != "" && a.CertFile == "":
		return errors.New("a client CA needs TLS: name the server's certificate and key")
	}
	return nil
}

func onLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// tls gives nil where no certificate is named.
func (a Access) tls() (*tls.Config, error) {
	if a.CertFile == "" {
		return nil, nil
	}
	cert, err := newCertificate(a)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get}
	if a.ClientCAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(a.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("client CA: %w", err)
	}
	config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("client CA %q holds no certificate", a.ClientCAFile)
	}
	return config, nil
}

// Serve answers requests until ctx ends; then it takes no new ones, lets those in flight finish for at most drain, and
// returns.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, drain time.Duration, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	err := server.Serve(listener)
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve alerts on %s: %w", listener.Addr(), err)
	}
	if err := <-stopped; err != nil {
		return fmt.Errorf("stop the receiver: some requests did not finish in %s: %w", drain, err)
	}
	return nil
}
