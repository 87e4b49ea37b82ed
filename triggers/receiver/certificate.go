package receiver

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
)

// certificate is the server's certificate. It is read again for every connection, so that a renewed one needs no
// restart.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu   sync.Mutex
	good *tls.Certificate // the last pair that could be read
}

func newCertificate(a Access) (*certificate, error) {
	c := &certificate{certFile: a.CertFile, keyFile: a.KeyFile, log: a.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// get gives the pair as the files have it now. While they do not fit together, as between the two writes of a renewal,
// it gives the last good pair: a sender that is turned away does not come again.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.read(); err != nil {
		c.log.Error("certificate cannot be read again: the last good one is shown", "error", err)
	}
	return c.good, nil
}

func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %q: %w", c.certFile, err)
	}
	c.good = &pair
	return nil
}
