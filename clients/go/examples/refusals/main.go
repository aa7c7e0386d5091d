// What a refused call carries: a gRPC code, a message and the documented error detail, which names the fields.
//
//	go run ./examples/refusals            # against `npm start`
//	COORDINATOR_ADDR=host:port go run ./examples/refusals
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
	"github.com/rwadurian/mpc-system/refusal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func main() {
	address := cmp.Or(os.Getenv("COORDINATOR_ADDR"), "localhost:50051")
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := coordinator.NewSessionCoordinatorClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	_, err = client.CreateSession(ctx, &coordinator.CreateSessionRequest{
		SessionType:  "keygen",
		ThresholdN:   2,
		ThresholdT:   2,
		Participants: []*coordinator.ParticipantInfo{{PartyId: "party_0"}, {PartyId: "not an id"}},
	})
	show(err)
	_, err = client.JoinSession(ctx, &coordinator.JoinSessionRequest{JoinToken: "token-uuid-1", PartyId: "party_0"})
	show(err)
	_, err = client.GetSessionStatus(ctx, &coordinator.GetSessionStatusRequest{
		SessionId: "550e8400-e29b-41d4-a716-446655440000",
	})
	show(err)
}

func show(err error) {
	detail := refusal.Of(err)
	if detail == nil {
		log.Fatalf("not a refusal: %v", err)
	}
	fmt.Printf("%s (%s): %s\n", status.Code(err), detail.Error, detail.Message)
	for field, fault := range detail.Details {
		fmt.Printf("  %s: %s\n", field, fault)
	}
}
