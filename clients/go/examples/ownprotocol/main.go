// Parties that bring their own protocol: three of them make a key together through the coordinator and the router.
//
//	go run ./examples/ownprotocol         # against `npm start`
//	COORDINATOR_ADDR=host:port ROUTER_ADDR=host:port go run ./examples/ownprotocol
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	coord := connect(cmp.Or(os.Getenv("COORDINATOR_ADDR"), "localhost:50051"))
	defer coord.Close()
	route := connect(cmp.Or(os.Getenv("ROUTER_ADDR"), "localhost:50052"))
	defer route.Close()

	sessionID, keys, err := makeKey(ctx, coord, route, []string{"alice", "bob", "carol"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Session ID:", sessionID)
	for party, key := range keys {
		fmt.Printf("%s: %x\n", party, key)
	}
}

// makeKey creates a session and takes part in it as each of the parties at once. It returns the key that each found.
func makeKey(ctx context.Context, coord, route grpc.ClientConnInterface, parties []string) (string, map[string][]byte, error) {
	request := &coordinator.CreateSessionRequest{
		SessionType: "keygen",
		ThresholdN:  int32(len(parties)),
		ThresholdT:  int32(len(parties)),
	}
	for _, party := range parties {
		request.Participants = append(request.Participants, &coordinator.ParticipantInfo{PartyId: party})
	}
	created, err := coordinator.NewSessionCoordinatorClient(coord).CreateSession(ctx, request)
	if err != nil {
		return "", nil, fmt.Errorf("create: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // One party's failure ends the others.
	type result struct {
		party string
		key   []byte
		err   error
	}
	results := make(chan result, len(parties))
	for _, party := range parties {
		go func() {
			key, err := takePart(ctx, coord, route, party, created.JoinTokens[party], &additive{})
			results <- result{party, key, err}
		}()
	}
	keys := map[string][]byte{}
	for range parties {
		done := <-results
		if done.err != nil {
			return "", nil, fmt.Errorf("%s: %w", done.party, done.err)
		}
		keys[done.party] = done.key
	}
	return created.SessionId, keys, nil
}

func connect(address string) *grpc.ClientConn {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	return conn
}
