package contract

import (
	"context"
	"testing"
	"time"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
	"github.com/rwadurian/mpc-system/refusal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func join(token, party string) func(context.Context, coordinator.SessionCoordinatorClient) error {
	return func(ctx context.Context, client coordinator.SessionCoordinatorClient) error {
		_, err := client.JoinSession(ctx, &coordinator.JoinSessionRequest{JoinToken: token, PartyId: party})
		return err
	}
}

func createWith(change func(*coordinator.CreateSessionRequest)) func(context.Context, coordinator.SessionCoordinatorClient) error {
	return func(ctx context.Context, client coordinator.SessionCoordinatorClient) error {
		request := keygenOf("party_0", "party_1")
		change(request)
		_, err := client.CreateSession(ctx, request)
		return err
	}
}

func TestRefusalsCarryCodeAndDetail(t *testing.T) {
	full := create(t, keygenOf("party_0", "party_1"))
	for party, token := range full.JoinTokens {
		if err := join(token, party)(patience(t), sessions(t)); err != nil {
			t.Fatal(err)
		}
	}
	for name, refused := range map[string]struct {
		call  func(context.Context, coordinator.SessionCoordinatorClient) error
		code  codes.Code
		error string
		field string
	}{
		"a party id that is none": {
			createWith(func(r *coordinator.CreateSessionRequest) { r.Participants[1].PartyId = "not an id" }),
			codes.InvalidArgument, "invalid_request", "participants[1].party_id",
		},
		"a threshold of one": {
			createWith(func(r *coordinator.CreateSessionRequest) { r.ThresholdT = 1 }),
			codes.InvalidArgument, "invalid_request", "threshold_t",
		},
		"an unknown type": {
			createWith(func(r *coordinator.CreateSessionRequest) { r.SessionType = "refresh" }),
			codes.InvalidArgument, "invalid_request", "session_type",
		},
		"a token that is none": {join("token-uuid-1", "party_0"), codes.Unauthenticated, "unauthorized", ""},
		"somebody who was not invited": {
			join(full.JoinTokens["party_0"], "party_9"), codes.ResourceExhausted, "session_full", "",
		},
		"an unknown session": {
			func(ctx context.Context, client coordinator.SessionCoordinatorClient) error {
				request := &coordinator.GetSessionStatusRequest{SessionId: "550e8400-e29b-41d4-a716-446655440000"}
				_, err := client.GetSessionStatus(ctx, request)
				return err
			},
			codes.NotFound, "not_found", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			requireRefusal(t, refused.call(patience(t), sessions(t)), refused.code, refused.error, refused.field)
		})
	}
}

func TestAnExpiredSessionRefusesToBeJoined(t *testing.T) {
	request := keygenOf("party_0", "party_1")
	request.ExpiresInSeconds = 1
	created := create(t, request)
	if created.ExpiresAt > time.Now().Unix()+2 {
		t.Fatalf("expires at %d", created.ExpiresAt)
	}
	status, err := sessions(t).GetSessionStatus(patience(t), &coordinator.GetSessionStatusRequest{
		SessionId: created.SessionId,
	})
	for err == nil && status.Status != "expired" {
		time.Sleep(50 * time.Millisecond)
		status, err = sessions(t).GetSessionStatus(patience(t), &coordinator.GetSessionStatusRequest{
			SessionId: created.SessionId,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	late := join(created.JoinTokens["party_0"], "party_0")(patience(t), sessions(t))
	requireRefusal(t, late, codes.FailedPrecondition, "session_expired", "")
}

// requireRefusal checks the gRPC code, the documented code, that there is a message, and the field at fault, if any.
func requireRefusal(t *testing.T, err error, code codes.Code, documented, field string) {
	t.Helper()
	if status.Code(err) != code {
		t.Fatalf("%v, expected %s", err, code)
	}
	detail := refusal.Of(err)
	if detail.GetError() != documented || detail.GetMessage() != status.Convert(err).Message() {
		t.Errorf("detail: %v, error: %v", detail, err)
	}
	if _, named := detail.GetDetails()[field]; field != "" && !named {
		t.Errorf("%s is not named: %v", field, detail.GetDetails())
	}
}
