package contract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
	router "github.com/rwadurian/mpc-system/api/grpc/router/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestASubscriptionReplaysThenFollowsAndEndsWithTheSession(t *testing.T) {
	id, asFirst := started(t)
	client := router.NewMessageRouterClient(connect(t, os.Getenv("ROUTER_ADDR")))
	var positions []int64
	send := func(round int32) {
		routed, err := client.RouteMessage(patience(t), &router.MPCMessage{
			SessionId: id, FromParty: "party_1", Round: round, Payload: []byte{0, 0xff, byte(round)}, IsBroadcast: true,
		})
		if err != nil || !routed.Success {
			t.Fatal(routed, err)
		}
		positions = append(positions, routed.Sequence)
	}
	send(1)
	send(2)
	stream, err := client.SubscribeMessages(asFirst, &router.SubscribeRequest{
		SessionId: id, PartyId: "party_0", AfterSequence: positions[0],
	})
	if err != nil {
		t.Fatal(err)
	}
	receive := func(round int32) {
		message, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if message.Round != round || message.FromParty != "party_1" || !message.IsBroadcast || len(message.ToParties) > 0 ||
			!bytes.Equal(message.Payload, []byte{0, 0xff, byte(round)}) || message.Sequence != positions[round-1] {
			t.Errorf("round %d: %v", round, message)
		}
	}
	receive(2)
	send(3)
	receive(3)
	if _, err := sessions(t).CloseSession(patience(t), &coordinator.CloseSessionRequest{SessionId: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("%v, expected the end", err)
	}
}

func TestAStreamEndsAtItsDeadline(t *testing.T) {
	id, asFirst := started(t)
	ctx, cancel := context.WithTimeout(asFirst, 300*time.Millisecond)
	defer cancel()
	client := router.NewMessageRouterClient(connect(t, os.Getenv("ROUTER_ADDR")))
	stream, err := client.SubscribeMessages(ctx, &router.SubscribeRequest{SessionId: id, PartyId: "party_0"})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("%v, expected DeadlineExceeded", err)
	}
}
