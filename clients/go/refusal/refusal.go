// Package refusal reads the documented error body (API reference, section 6) out of a gRPC error.
package refusal

import (
	apiv1 "github.com/rwadurian/mpc-system/api/grpc/api/v1"
	"google.golang.org/grpc/status"
)

// Of returns what the service said: a code of the documented set, a message and the fields at fault. It is nil for a
// nil error and for errors that carry no such detail, such as a lost connection.
func Of(err error) *apiv1.ErrorDetail {
	for _, detail := range status.Convert(err).Details() {
		if refused, ok := detail.(*apiv1.ErrorDetail); ok {
			return refused
		}
	}
	return nil
}
