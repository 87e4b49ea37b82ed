// Package cases is the way to cases from outside: it starts, lists, finds, watches, decides and undoes them through a
// Temporal client. It runs no workflow itself.
package cases

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
)

// patience is how long one request to Temporal may take, so that a receiver can say 503 while its sender still waits.
const patience = 5 * time.Second

// surge is how long the start of a case may take: alerts of one storm wait for one another at their run's lock, and
// falcosidekick, which sends no alert twice, waits for the answer without a limit.
const surge = 20 * time.Second

// atOnce is how many starts are under way at Temporal at a time. More of them would only wait for its store together,
// and run into their deadlines together: a flood is taken in turns, and each turn has the whole of surge.
const atOnce = 64

// takeover is how long a question to a case may take: a worker that takes a dead one's runs over needs 5 to 8 seconds.
const takeover = 10 * time.Second

// Cases is a connection to the cases of one Temporal namespace.
type Cases struct {
	client    client.Client
	turns     chan struct{} // of starts: one is put in for each that is under way
	ids       ids
	converter converter.DataConverter // of the client; nil: the standard one
}

// Options says where Temporal is. Empty fields are taken from Temporal's own environment variables (TEMPORAL_ADDRESS,
// TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_…, TEMPORAL_PROFILE) and configuration file.
type Options struct {
	Address   string
	Namespace string
	Logger    log.Logger // the SDK's own messages; nil keeps them to itself
	// DataConverter encrypts what Temporal keeps, the texts of failures included; nil: Temporal's own settings.
	DataConverter converter.DataConverter
}

// Dial prepares the connection; it is made with the first request, so a Temporal that is down is told by that one.
func Dial(o Options) (*Cases, error) {
	settings, err := ClientOptions(o)
	if err != nil {
		return nil, err
	}
	c, err := client.NewLazyClient(settings)
	if err != nil {
		return nil, fmt.Errorf("prepare the Temporal client: %w", err)
	}
	return New(c).Decoding(settings.DataConverter), nil
}

// New uses a client that was made elsewhere, from ClientOptions where joined alerts are to be told from new cases.
func New(c client.Client) *Cases { return &Cases{client: c, turns: make(chan struct{}, atOnce)} }

// ClientOptions gives the settings of a Temporal client as every part of Firebreak uses them.
func ClientOptions(o Options) (client.Options, error) {
	settings, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return client.Options{}, fmt.Errorf("read Temporal's settings: %w", err)
	}
	if o.Address != "" {
		settings.HostPort = o.Address
	}
	if o.Namespace != "" {
		settings.Namespace = o.Namespace
	}
	settings.Logger = o.Logger
	if o.Logger == nil {
		settings.Logger = silent{}
	}
	if o.DataConverter != nil {
		settings.DataConverter = o.DataConverter
		settings.FailureConverter = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
			DataConverter: o.DataConverter, EncodeCommonAttributes: true,
		})
	}
	settings.Identity = identity()
	settings.ConnectionOptions.DialOptions = append(settings.ConnectionOptions.DialOptions,
		grpc.WithChainUnaryInterceptor(observeStart))
	return settings, nil
}

func identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("firebreak-%d@%s", os.Getpid(), host)
}

// Client is the Temporal client behind the cases.
func (c *Cases) Client() client.Client { return c.client }

// Close gives the connection back.
func (c *Cases) Close() { c.client.Close() }

// Check asks whether Temporal answers.
func (c *Cases) Check(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	_, err := c.client.CheckHealth(ctx, &client.CheckHealthRequest{})
	return explain("reach Temporal", err)
}

// silent is a logger for commands that speak to people: what went wrong comes back as an error.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
