// Package temporal runs a whole Temporal cluster and its Web UI inside one process, on SQLite or on PostgreSQL.
//
// It is the engine of a lab, and of a single machine: the same workers run against a cluster of many machines.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Namespace is the one namespace that the server has at its first start.
const Namespace = "default"

// retention is how long a finished run can be looked at in the Web UI.
const retention = 30 * 24 * time.Hour

// Config says where the server keeps its data and where it listens. All addresses are on 127.0.0.1.
type Config struct {
	Database string    // SQLite file; made when it does not exist
	Postgres *Postgres // instead of SQLite: a server without Temporal's databases
	Ports    Ports
	UI       bool // serve the Web UI
	LogLevel string
}

// Ports are the server's ports. Workers and clients use Frontend only.
type Ports struct {
	Frontend, History, Matching, Worker, UI int
}

// Address is where clients connect to.
func (p Ports) Address() string { return fmt.Sprintf("127.0.0.1:%d", p.Frontend) }

// Serve runs the server until ctx ends.
func Serve(ctx context.Context, c Config) error {
	settings := c.settings()
	if err := c.prepare(settings); err != nil {
		return err
	}
	server, err := c.assemble(settings)
	if err != nil {
		return fmt.Errorf("assemble temporal: %w", err)
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start temporal: %w", err)
	}
	defer func() { _ = server.Stop() }()
	if c.Postgres != nil {
		if err := openNamespace(ctx, c.Ports); err != nil {
			return err
		}
	}
	if !c.UI {
		<-ctx.Done()
		return nil
	}
	return serveUI(ctx, c.Ports)
}

func (c Config) prepare(settings *config.Config) error {
	if c.Postgres != nil {
		return c.Postgres.prepare()
	}
	return prepareFile(c.Database, settings)
}

// prepareFile creates the schema and the namespace with our search attributes when the file is new.
func prepareFile(database string, settings *config.Config) error {
	sql := settings.Persistence.DataStores[storeName].SQL
	if _, err := os.Stat(database); errors.Is(err, fs.ErrNotExist) {
		if err := sqlite.SetupSchema(sql); err != nil {
			return fmt.Errorf("create temporal's database %q: %w", database, err)
		}
	}
	namespace, err := sqlite.NewNamespaceConfig(clusterName, Namespace, false, searchAttributes())
	if err != nil {
		return fmt.Errorf("describe namespace %q: %w", Namespace, err)
	}
	namespace.Detail.Config.Retention = durationpb.New(retention)
	if err := sqlite.CreateNamespaces(sql, namespace); err != nil {
		return fmt.Errorf("create namespace %q: %w", Namespace, err)
	}
	return nil
}

func (c Config) assemble(settings *config.Config) (temporal.Server, error) {
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Stdout: true, Level: c.LogLevel, Format: "console"}))
	return temporal.NewServer(
		temporal.WithConfig(settings),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(c.Ports.hosts()),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithDynamicConfigClient(dynamicSettings()),
	)
}

// dynamicSettings lifts the poll rates: with the default of 20 a second and one shard, every task of a busy run waits
// 50 ms, which makes a sequence of activities ten times slower than the server is.
func dynamicSettings() dynamicconfig.StaticClient {
	const pollsPerSecond = 5000
	return dynamicconfig.StaticClient{
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   pollsPerSecond,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      pollsPerSecond,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): pollsPerSecond,
		dynamicconfig.OutboundProcessorMaxPollRPS.Key():   pollsPerSecond,
	}
}

func (p Ports) hosts() map[primitives.ServiceName]static.Hosts {
	hosts := map[primitives.ServiceName]static.Hosts{}
	for service, port := range p.byService() {
		hosts[service] = static.SingleLocalHost(fmt.Sprintf("127.0.0.1:%d", port))
	}
	return hosts
}

func (p Ports) byService() map[primitives.ServiceName]int {
	return map[primitives.ServiceName]int{
		primitives.FrontendService: p.Frontend,
		primitives.HistoryService:  p.History,
		primitives.MatchingService: p.Matching,
		primitives.WorkerService:   p.Worker,
	}
}
