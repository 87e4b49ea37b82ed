package main

import (
	"os"

	"github.com/firebreak-ir/firebreak/activities/telemetry"
	"github.com/firebreak-ir/firebreak/config"
)

// prometheusOf is the Prometheus of the configuration. Its token is read for every question: a file may be renewed.
func prometheusOf(c config.Config) telemetry.Prometheus {
	return telemetry.Prometheus{URL: c.Prometheus.URL, Token: func() (string, error) { return c.Prometheus.Token.Read(os.LookupEnv) }}
}
