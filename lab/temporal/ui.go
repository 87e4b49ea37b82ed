package temporal

import (
	"context"
	"fmt"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
)

// uiSettings is the Web UI's configuration, handed over as a value instead of a file.
type uiSettings struct{ config *uiconfig.Config }

// GetConfig answers the one configuration.
func (s uiSettings) GetConfig() (*uiconfig.Config, error) { return s.config, nil }

// serveUI runs the Web UI until ctx ends. It fetches nothing from outside the machine.
func serveUI(ctx context.Context, ports Ports) error {
	server := uiserver.NewServer(uioptions.WithConfigProvider(uiSettings{&uiconfig.Config{
		Host:                "127.0.0.1",
		Port:                ports.UI,
		TemporalGRPCAddress: ports.Address(),
		EnableUI:            true,
		DefaultNamespace:    Namespace,
		DisableNewsFetch:    true,
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // loopback without TLS
	}}))
	failed := make(chan error, 1)
	go func() { failed <- server.Start() }()
	select {
	case err := <-failed:
		return fmt.Errorf("temporal web ui on port %d: %w", ports.UI, err)
	case <-ctx.Done():
		server.Stop()
		return nil
	}
}
