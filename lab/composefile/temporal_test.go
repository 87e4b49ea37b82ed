package composefile_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
)

// The image holds the server and its entry point alone: all settings come from the template that the server carries.
func TestTemporalsSettingsAreThoseOfItsTemplate(t *testing.T) {
	service := load(t).Services["temporal"]
	got, err := settings(t, service)
	if err != nil {
		t.Fatal(err)
	}
	sql := got.Persistence.DataStores["default"].SQL
	if sql == nil || sql.PluginName != "postgres12" || sql.ConnectAddr != "postgresql:5432" || sql.User != "temporal" || sql.Password != "p" {
		t.Errorf("the server's database is %+v", sql)
	}
	if port := got.Services["frontend"].RPC.GRPCPort; port != 7233 {
		t.Errorf("the server listens on port %d", port)
	}
	for name := range service.Environment {
		t.Run(name, func(t *testing.T) {
			without := service
			without.Environment = types.MappingWithEquals{name: nil}
			if changed, err := settings(t, without); err == nil && reflect.DeepEqual(changed, got) {
				t.Errorf("%s changes nothing in the server's settings", name)
			}
		})
	}
}

// settings is what the server makes of the service's environment.
func settings(t *testing.T, service types.ServiceConfig) (*config.Config, error) {
	t.Helper()
	for name, value := range service.Environment {
		if value == nil {
			t.Setenv(name, "")
			continue
		}
		t.Setenv(name, *value)
	}
	return config.Load(config.WithEmbedded())
}

// The server does not start without the file that the template names.
func TestTemporalsDynamicSettingsAreMountedAndRead(t *testing.T) {
	service := load(t).Services["temporal"]
	loaded, err := settings(t, service)
	if err != nil {
		t.Fatal(err)
	}
	client := loaded.DynamicConfigClient
	file := hostFile(service, client.Filepath)
	if file == "" {
		t.Fatalf("%q of the server is not mounted", client.Filepath)
	}
	client.Filepath = file
	done := make(chan any)
	t.Cleanup(func() { close(done) })
	read, err := dynamicconfig.NewFileBasedClient(client, log.NewTestLogger(), done)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []dynamicconfig.Key{
		dynamicconfig.TransferProcessorMaxPollRPS.Key(), dynamicconfig.TimerProcessorMaxPollRPS.Key(),
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(), dynamicconfig.OutboundProcessorMaxPollRPS.Key(),
	} {
		if values := read.GetValue(key); len(values) != 1 || values[0].Value != 5000 {
			t.Errorf("%s is %v", key, values)
		}
	}
}

// hostFile is the file on this machine that the service sees as path; empty when it sees none.
func hostFile(service types.ServiceConfig, path string) string {
	for _, volume := range service.Volumes {
		if volume.Type != types.VolumeTypeBind {
			continue
		}
		if rest, err := filepath.Rel(volume.Target, path); err == nil && filepath.IsLocal(rest) {
			return filepath.Join(volume.Source, rest)
		}
	}
	return ""
}
