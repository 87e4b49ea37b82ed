package rfc3161

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"
)

// Client asks one TSA.
type Client struct {
	URL    string
	Roots  *x509.CertPool // the TSA's; its answers are checked against them
	HTTP   *http.Client
	Random io.Reader     // of nonces
	Limit  time.Duration // what one question may take
}

// Stamp gives the TSA's response for a SHA-256, in DER, after it was verified. It asks once, and never takes longer than
// the client's Limit.
func (c Client) Stamp(ctx context.Context, digest [sha256.Size]byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	raw, err := c.stamp(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("TSA %q: %w", c.URL, err)
	}
	return raw, nil
}

func (c Client) stamp(ctx context.Context, digest [sha256.Size]byte) ([]byte, error) {
	nonce, err := rand.Int(c.Random, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fmt.Errorf("make a nonce: %w", err)
	}
	question, err := NewRequest(digest, nonce)
	if err != nil {
		return nil, err
	}
	answer, err := c.ask(ctx, question)
	if err != nil {
		return nil, err
	}
	r, err := Parse(answer)
	if err != nil {
		return nil, err
	}
	if r.Nonce == nil || r.Nonce.Cmp(nonce) != 0 {
		return nil, errors.New("the answer is to another question: its nonce is not the one that was sent")
	}
	return answer, r.Verify(digest, c.Roots)
}

// ask posts a request (RFC 3161, section 3.4).
func (c Client) ask(ctx context.Context, question []byte) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/timestamp-query")
	a, err := c.HTTP.Do(q)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", a.Status)
	}
	answer, err := io.ReadAll(io.LimitReader(a.Body, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return answer, nil
}
