package temporal

import (
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
)

const (
	storeName   = "sqlite"
	clusterName = "active"
)

// searchAttributes are the columns by which people look for cases in the Web UI.
func searchAttributes() map[string]enums.IndexedValueType {
	return map[string]enums.IndexedValueType{
		"FirebreakPlaybook":  enums.INDEXED_VALUE_TYPE_KEYWORD,
		"FirebreakCase":      enums.INDEXED_VALUE_TYPE_KEYWORD,
		"FirebreakPhase":     enums.INDEXED_VALUE_TYPE_KEYWORD,
		"FirebreakCluster":   enums.INDEXED_VALUE_TYPE_KEYWORD,
		"FirebreakOutcome":   enums.INDEXED_VALUE_TYPE_KEYWORD,
		"FirebreakNodes":     enums.INDEXED_VALUE_TYPE_KEYWORD_LIST,
		"FirebreakDrill":     enums.INDEXED_VALUE_TYPE_BOOL,
		"FirebreakAlertTime": enums.INDEXED_VALUE_TYPE_DATETIME,
		"FirebreakStarted":   enums.INDEXED_VALUE_TYPE_DATETIME,
		"FirebreakChanged":   enums.INDEXED_VALUE_TYPE_DATETIME,
	}
}

func (c Config) persistence() config.Persistence {
	if c.Postgres != nil {
		return c.Postgres.persistence()
	}
	return config.Persistence{
		DefaultStore: storeName, VisibilityStore: storeName, NumHistoryShards: 1,
		DataStores: map[string]config.DataStore{storeName: {SQL: database(c.Database)}},
	}
}

func (c Config) settings() *config.Config {
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: "127.0.0.1"},
		},
		Persistence:         c.persistence(),
		ClusterMetadata:     oneCluster(c.Ports.Address()),
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            c.Ports.services(),
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		PublicClient: config.PublicClient{HostPort: c.Ports.Address()},
	}
}

// database uses a write-ahead log: what the server acknowledged is still there after kill -9.
func database(file string) *config.SQL {
	return &config.SQL{
		PluginName:        sqlite.PluginName,
		DatabaseName:      file,
		ConnectAttributes: map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": "normal"},
	}
}

func oneCluster(frontend string) *cluster.Config {
	return &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{
			clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
		},
	}
}

func (p Ports) services() map[string]config.Service {
	services := map[string]config.Service{}
	for service, port := range p.byService() {
		services[string(service)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: "127.0.0.1"}}
	}
	return services
}

// URL is the address of the Web UI.
func (p Ports) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", p.UI) }
