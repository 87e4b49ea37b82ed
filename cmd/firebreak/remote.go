package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/triggers/decisions"
)

// remoteFlags say over which receiver a decision goes; without one it goes to Temporal.
type remoteFlags struct {
	url   string
	token string
}

func (f *remoteFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.url, "receiver", "", "address of a receiver to decide over, instead of Temporal; CASE is then the whole id")
	c.Flags().StringVar(&f.token, "token", "", "with --receiver: where your token is, as file:PATH or env:NAME (default one made with your key)")
}

// remote is a receiver, and who asks it.
type remote struct {
	url    string
	token  string
	client *http.Client
}

// maxReply is how long an answer of a receiver may be: what an approval shows is bounded, too.
const maxReply = 4 << 20

func (a *app) remote(f remoteFlags, key string) (remote, error) {
	u, err := url.Parse(f.url)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return remote{}, usage(fmt.Errorf("--receiver must be an address such as https://firebreak.example.com"))
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return remote{}, usage(errors.New("--receiver must be https: your token would be read on the way"))
	}
	token, err := a.bearer(f, key)
	client := &http.Client{Timeout: reach, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return remote{u.String(), token, client}, err
}

// bearer reads the token, or makes one with the person's key.
func (a *app) bearer(f remoteFlags, key string) (string, error) {
	if f.token != "" {
		secret, err := config.ParseSecret(f.token, ".")
		if err != nil {
			return "", usage(fmt.Errorf("--token %w", err))
		}
		token, err := secret.Read(a.env)
		return token, wrongly(err)
	}
	cfg, err := a.settings()
	if err != nil {
		return "", err
	}
	who, err := a.signer(cfg, key)
	if err != nil {
		return "", err
	}
	return who.token(a.now(), 5*time.Minute)
}

func wrongly(err error) error {
	if err == nil {
		return nil
	}
	return wrong(err)
}

// look asks what a step waits for.
func (r remote) look(ctx context.Context, of, step string) (decisions.Open, error) {
	var open decisions.Open
	return open, r.ask(ctx, http.MethodGet, of, step, nil, &open)
}

// decide hands a decision over and gives the name that the receiver knows the person by.
func (r remote) decide(ctx context.Context, of, step string, d decisions.Decision) (by string, err error) {
	body, err := json.Marshal(map[string]any{"choice": d.Choice, "comment": d.Comment, "shown": d.Shown, "set": d.Set})
	if err != nil {
		return "", err
	}
	var answer struct {
		By string `json:"by"`
	}
	err = r.ask(ctx, http.MethodPost, of, step, body, &answer)
	return answer.By, err
}

func (r remote) ask(ctx context.Context, method, of, step string, body []byte, into any) error {
	at, err := url.JoinPath(r.url, decisions.PathOf(of, step))
	if err != nil {
		return usage(err)
	}
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return usage(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(resp.StatusCode, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("the answer of the receiver is no decision: %w", err)
	}
	return nil
}

// refusal is what a receiver says where it does not do as asked.
func refusal(status int, raw []byte) error {
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(raw, &answer) // something between may have answered
	if answer.Error == "" {
		answer.Error = http.StatusText(status)
	}
	err := fmt.Errorf("the receiver answers %d: %s", status, answer.Error)
	if status >= http.StatusInternalServerError {
		return err
	}
	return wrong(err)
}
