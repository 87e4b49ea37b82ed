package temporal

import (
	"context"
	"fmt"
	"net"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/sql"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Postgres is a PostgreSQL server whose user may make databases.
type Postgres struct{ Address, User, Password string }

// Names of the databases, as in the compose file.
const (
	mainDatabase    = "temporal"
	visibleDatabase = "temporal_visibility"
)

// shards is how many parts the histories are kept in, as the server's own template for PostgreSQL has it.
const shards = 4

// persistence has the limits on connections that the server's own template has.
func (p Postgres) persistence() config.Persistence {
	return config.Persistence{
		DefaultStore: mainDatabase, VisibilityStore: visibleDatabase, NumHistoryShards: shards,
		DataStores: map[string]config.DataStore{
			mainDatabase:    {SQL: p.database(mainDatabase, 20)},
			visibleDatabase: {SQL: p.database(visibleDatabase, 10)},
		},
	}
}

func (p Postgres) database(name string, connections int) *config.SQL {
	return &config.SQL{
		PluginName: postgresql.PluginName, DatabaseName: name, ConnectAddr: p.Address, ConnectProtocol: "tcp",
		User: p.User, Password: p.Password, MaxConns: connections, MaxIdleConns: connections, MaxConnLifetime: time.Hour,
	}
}

// prepare makes both databases with Temporal's own tool, which ends this program with a message where it fails.
func (p Postgres) prepare() error {
	host, port, err := net.SplitHostPort(p.Address)
	if err != nil {
		return err
	}
	for name, schema := range map[string]string{mainDatabase: "temporal", visibleDatabase: "visibility"} {
		tool := []string{
			"temporal-sql-tool", "--plugin", postgresql.PluginName, "--endpoint", host, "--port", port,
			"--user", p.User, "--password", p.Password, "--database", name,
		}
		for _, args := range [][]string{
			{"create-database"}, {"setup-schema", "--version", "0.0"}, {"update-schema", "--schema-name", "postgresql/v12/" + schema},
		} {
			if err := sql.RunTool(append(tool, args...)); err != nil {
				return fmt.Errorf("%s of %s: %w", args[0], name, err)
			}
		}
	}
	return nil
}

// openNamespace makes the namespace through the server that runs; its database is new.
func openNamespace(ctx context.Context, ports Ports) error {
	conn, err := grpc.NewClient(ports.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, done := context.WithTimeout(ctx, time.Minute)
	defer done()
	_, err = workflowservice.NewWorkflowServiceClient(conn).RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: Namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("make namespace %q: %w", Namespace, err)
	}
	return nil
}
