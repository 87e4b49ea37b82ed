package codec

import (
	"context"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

// KeyError is a payload whose key is not on the ring.
type KeyError struct{ ID string }

// Error names the key.
func (e *KeyError) Error() string {
	return fmt.Sprintf("the payload is encrypted with the key %q, which is not here; list it under encryption.keys", e.ID)
}

// DamagedError is a payload that is not what was encrypted with the key of that name.
type DamagedError struct {
	ID  string
	Err error
}

// Error names the key.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the payload does not decrypt with the key %q: it was changed, or the key of that name is another one", e.ID)
}

// Unwrap gives the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// Converter is the data converter of every client and worker: the standard one, encrypted.
func (r *Ring) Converter() converter.DataConverter {
	return standing{converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), r)}
}

// standing is the converter outside of workflows. Inside one, it gives a converter that stops the run's task instead of the
// run.
type standing struct{ converter.DataConverter }

// WithContext is converter.ContextAware's.
func (s standing) WithContext(context.Context) converter.DataConverter { return s }

// WithWorkflowContext is converter.ContextAware's.
func (s standing) WithWorkflowContext(converter.WorkflowContext) converter.DataConverter {
	return blocking(s)
}

// blocking panics where a payload cannot be decrypted. To the SDK a panic is a worker that is not fit: it gives the task back
// and the run waits for one that is. With an error the run of an open case would end, or an alert be dropped, since somebody
// forgot a key.
type blocking struct{ converter.DataConverter }

// FromPayload is converter.DataConverter's.
func (b blocking) FromPayload(p *commonpb.Payload, into any) error {
	return orBlock(b.DataConverter.FromPayload(p, into))
}

// FromPayloads is converter.DataConverter's.
func (b blocking) FromPayloads(p *commonpb.Payloads, into ...any) error {
	return orBlock(b.DataConverter.FromPayloads(p, into...))
}

func orBlock(err error) error {
	var key *KeyError
	var damaged *DamagedError
	if errors.As(err, &key) || errors.As(err, &damaged) {
		panic(err)
	}
	return err
}
