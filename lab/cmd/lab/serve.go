package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/lab/ebsfront"
	"github.com/firebreak-ir/firebreak/lab/postgres"
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
	var database int
	cmd := &cobra.Command{
		Use:   "temporal",
		Short: "Temporal with its Web UI on SQLite, or on a PostgreSQL that comes and goes with it",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if config.Ports, err = temporal.ParsePorts(ports); err != nil {
				return usageError{err}
			}
			if database == 0 {
				return temporal.Serve(cmd.Context(), config)
			}
			return serveOnPostgres(cmd.Context(), config, database)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&config.Database, "database", "", "SQLite file")
	flags.StringVar(&ports, "ports", "", "frontend,history,matching,worker,ui")
	flags.IntVar(&database, "postgres", 0, "use a new PostgreSQL on this port instead of SQLite")
	flags.BoolVar(&config.UI, "ui", false, "serve the Web UI")
	flags.StringVar(&config.LogLevel, "log-level", config.LogLevel, "debug, info, warn or error")
	return cmd
}

func serveOnPostgres(ctx context.Context, config temporal.Config, port int) error {
	database, err := postgres.Start(ctx, port)
	if err != nil {
		return err
	}
	config.Postgres = &temporal.Postgres{Address: database.Address(), User: postgres.User, Password: database.Password}
	return errors.Join(temporal.Serve(ctx, config), database.Stop())
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
