package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/triggers/receiver"
	"github.com/firebreak-ir/firebreak/worker/codec"
)

type codecFlags struct {
	listen string
	drain  time.Duration
	log    logFlag
}

func codecCommand(a *app) *cobra.Command {
	var f codecFlags
	c := &cobra.Command{
		Use:     "codec",
		Short:   "Decrypt for Temporal's Web UI: a codec server",
		GroupID: "serve",
		Long: `Answers POST /decode and POST /encode with the keys of firebreak.yaml, for pages of the Web UI's origin and for the temporal
command. Whoever may ask it can read every case: it wants a bearer token or, with TLS, a client certificate. Without
either it starts on loopback only.`,
		Example: `  firebreak codec
  temporal workflow show -w ID --codec-endpoint http://127.0.0.1:8089 --codec-auth "Bearer $(cat codec-token)"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.codec(c.Context(), f) },
	}
	c.Flags().StringVar(&f.listen, "listen", "", "address to listen on (default codec.listen)")
	c.Flags().DurationVar(&f.drain, "drain", 5*time.Second, "how long requests in flight may take to finish when stopping")
	f.log.flag(c)
	return c
}

func (a *app) codec(ctx context.Context, f codecFlags) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	if f.listen != "" {
		cfg.Codec.Listen = f.listen
	}
	ring, err := a.ring(cfg)
	if err != nil {
		return err
	}
	if ring == nil {
		return wrongf("nothing is encrypted: firebreak.yaml has no encryption.keys")
	}
	token, err := cfg.Codec.Token.Read(a.env)
	if err != nil {
		return wrong(err)
	}
	log := f.log.logger(a.stderr)
	listener, err := openCodec(ctx, cfg.Codec, token, log)
	if err != nil {
		return err
	}
	sayCodec(log, cfg, token, listener.Addr())
	handler := codec.Handler(codec.ServerOptions{Ring: ring, Origin: cfg.UIOrigin(), Token: token, Log: log})
	err = receiver.Serve(ctx, listener, handler, f.drain, log)
	log.Info("stopped")
	return err
}

func openCodec(ctx context.Context, c config.Codec, token string, log *slog.Logger) (net.Listener, error) {
	listener, err := receiver.Listen(ctx, c.Listen, receiver.Access{
		Token: token, InsecureLoopback: true, Log: log,
		CertFile: c.TLS.Certificate, KeyFile: c.TLS.Key, ClientCAFile: c.TLS.ClientCA,
	})
	if errors.Is(err, receiver.ErrOpen) {
		return nil, wrongf("the codec server has neither a token nor a client CA, and %s is not a loopback address: "+
			"anybody who reaches it could read every case; configure codec.token or codec.tls.clientCA", c.Listen)
	}
	return listener, accessFault(err)
}

func sayCodec(log *slog.Logger, cfg config.Config, token string, at net.Addr) {
	origin := cfg.UIOrigin()
	log.Info("listening for the Web UI", "address", at.String(), "origin", origin, "key", cfg.Encryption.Current,
		"keys", len(cfg.Encryption.Keys), "tls", cfg.Codec.TLS.Certificate != "")
	if token == "" && cfg.Codec.TLS.ClientCA == "" {
		log.Warn("NO TOKEN: everybody on this machine can decrypt every case; configure codec.token")
	}
	if origin == "" {
		log.Warn("no page may ask: neither codec.origin nor webUI names the Web UI; commands may")
	}
}

// ring reads the keys; nil where nothing is encrypted.
func (a *app) ring(cfg config.Config) (*codec.Ring, error) {
	if len(cfg.Encryption.Keys) == 0 {
		return nil, nil
	}
	var keys []codec.Key
	for _, k := range cfg.Encryption.Keys {
		secret, err := k.Read(a.env)
		if err != nil {
			return nil, wrong(err)
		}
		keys = append(keys, codec.Key{ID: k.ID, Secret: secret})
	}
	ring, err := codec.NewRing(cfg.Encryption.Current, keys)
	if err != nil {
		return nil, wrong(fmt.Errorf("encryption: %w", err))
	}
	return ring, nil
}

// converter is that of every Temporal client; nil where nothing is encrypted.
func (a *app) converter(cfg config.Config) (converter.DataConverter, error) {
	ring, err := a.ring(cfg)
	if err != nil || ring == nil {
		return nil, err
	}
	return ring.Converter(), nil
}
