package main

import (
	"crypto/rand"
	"net/http"
	"time"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/custody/rfc3161"
)

// stampPatience is how long a seal waits for the TSA: the case is locked meanwhile.
const stampPatience = 15 * time.Second

// sealing is what seals of evidence carry, by the configuration.
func (a *app) sealing(c config.Sealing) (custody.Sealing, error) {
	s := custody.Sealing{Organization: c.Organization, Agent: "firebreak " + a.build().Version, MustStamp: c.Timestamp.Required}
	var err error
	if s.Key, err = c.Private(a.env); err != nil {
		return s, wrongf("seal.signingKey: %w", err)
	}
	roots, err := c.Timestamp.Roots()
	if err != nil {
		return s, wrongf("seal.timestamp.ca: %w", err)
	}
	if c.Timestamp.URL != "" {
		s.Stamper = rfc3161.Client{URL: c.Timestamp.URL, Roots: roots, HTTP: &http.Client{}, Random: rand.Reader, Limit: stampPatience}
	}
	return s, nil
}
