package main

import (
	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/lab/ebsfront"
	"github.com/firebreak-ir/firebreak/lab/temporal"
)

// serve holds the servers that are part of this program. `lab up` starts them as children of their own.
func (p *program) serve() *cobra.Command {
	cmd := &cobra.Command{Use: "serve", Short: "Run one of the lab's own servers in the foreground", Hidden: true}
	cmd.AddCommand(serveTemporal(), serveAWS())
	return cmd
}

func serveTemporal() *cobra.Command {
	config := temporal.Config{LogLevel: "warn"}
	var ports string
	cmd := &cobra.Command{
		Use:   "temporal",
		Short: "Temporal with its Web UI on SQLite",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if config.Ports, err = temporal.ParsePorts(ports); err != nil {
				return usageError{err}
			}
			return temporal.Serve(cmd.Context(), config)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&config.Database, "database", "", "SQLite file")
	flags.StringVar(&ports, "ports", "", "frontend,history,matching,worker,ui")
	flags.BoolVar(&config.UI, "ui", false, "serve the Web UI")
	flags.StringVar(&config.LogLevel, "log-level", config.LogLevel, "debug, info, warn or error")
	return cmd
}

func serveAWS() *cobra.Command {
	var config ebsfront.Config
	cmd := &cobra.Command{
		Use:   "aws",
		Short: "The EBS front before moto",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return ebsfront.Serve(cmd.Context(), config) },
	}
	flags := cmd.Flags()
	flags.StringVar(&config.Upstream, "upstream", "", "moto's URL")
	flags.StringVar(&config.State, "state", "", "directory of snapshots")
	flags.StringVar(&config.Listen, "listen", "", "host:port")
	return cmd
}
