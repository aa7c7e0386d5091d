// Package contract tests a running system from Go: what the generated stubs send and receive. The addresses come from
// the environment: COORDINATOR_ADDR, ROUTER_ADDR, and GRPC_ADDRS, which lists all gRPC ports, separated by commas.
package contract

import (
	"context"
	"os"
	"testing"
	"time"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"COORDINATOR_ADDR", "ROUTER_ADDR", "GRPC_ADDRS"} {
		if os.Getenv(name) == "" {
			os.Stderr.WriteString("these tests need a running system: " + name + " is not set\n")
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func connect(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func sessions(t *testing.T) coordinator.SessionCoordinatorClient {
	return coordinator.NewSessionCoordinatorClient(connect(t, os.Getenv("COORDINATOR_ADDR")))
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func keygenOf(parties ...string) *coordinator.CreateSessionRequest {
	request := &coordinator.CreateSessionRequest{SessionType: "keygen", ThresholdN: int32(len(parties)), ThresholdT: 2}
	for _, party := range parties {
		request.Participants = append(request.Participants, &coordinator.ParticipantInfo{PartyId: party})
	}
	return request
}

func create(t *testing.T, request *coordinator.CreateSessionRequest) *coordinator.CreateSessionResponse {
	t.Helper()
	created, err := sessions(t).CreateSession(patience(t), request)
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// started is a running session of two parties, with a context that carries the first one's credential.
func started(t *testing.T) (sessionID string, asFirst context.Context) {
	t.Helper()
	ctx, client := patience(t), sessions(t)
	created := create(t, keygenOf("party_0", "party_1"))
	id := created.SessionId
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, party := range []string{"party_1", "party_0"} {
		token := created.JoinTokens[party]
		joined, err := client.JoinSession(ctx, &coordinator.JoinSessionRequest{JoinToken: token, PartyId: party})
		must(joined, err)
		asFirst = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+joined.PartyCredential)
		must(client.MarkPartyReady(asFirst, &coordinator.MarkPartyReadyRequest{SessionId: id, PartyId: party}))
	}
	must(client.StartSession(asFirst, &coordinator.StartSessionRequest{SessionId: id}))
	return id, asFirst
}
