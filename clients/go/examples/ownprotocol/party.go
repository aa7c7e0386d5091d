package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
	router "github.com/rwadurian/mpc-system/api/grpc/router/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// protocol is what a party brings: any protocol that ends with a public key that all parties agree on.
type protocol interface {
	// run goes through all rounds and returns the public key, 33 or 65 bytes.
	run(ctx context.Context, r *rounds) ([]byte, error)
}

// takePart goes through one session as one party: join, ready, start, rounds, complete. The result is the public key.
func takePart(ctx context.Context, coord, route grpc.ClientConnInterface, partyID, token string, p protocol) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // Ends the subscription, whatever happened.
	sessions := coordinator.NewSessionCoordinatorClient(coord)
	joined, err := sessions.JoinSession(ctx, &coordinator.JoinSessionRequest{JoinToken: token, PartyId: partyID})
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+joined.PartyCredential)
	id := joined.SessionId
	ready, err := sessions.MarkPartyReady(ctx, &coordinator.MarkPartyReadyRequest{SessionId: id, PartyId: partyID})
	if err != nil {
		return nil, fmt.Errorf("ready: %w", err)
	}
	if ready.AllReady { // Who comes last starts; to start twice does no harm.
		if _, err := sessions.StartSession(ctx, &coordinator.StartSessionRequest{SessionId: id}); err != nil {
			return nil, fmt.Errorf("start: %w", err)
		}
	}
	if err := awaitStart(ctx, coord, id); err != nil {
		return nil, fmt.Errorf("waiting for the start: %w", err)
	}
	r, err := subscribe(ctx, route, id, partyID, joined.Participants)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	key, err := p.run(ctx, r)
	if err != nil {
		return nil, err
	}
	report := &coordinator.ReportCompletionRequest{SessionId: id, PartyId: partyID, PublicKey: fmt.Sprintf("%x", key)}
	if _, err := sessions.ReportCompletion(ctx, report); err != nil {
		return nil, fmt.Errorf("complete: %w", err)
	}
	return key, nil
}

// awaitStart follows the session instead of polling it.
func awaitStart(ctx context.Context, conn grpc.ClientConnInterface, sessionID string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	feed := coordinator.NewSessionFeedClient(conn)
	watch, err := feed.WatchSession(ctx, &coordinator.WatchSessionRequest{SessionId: sessionID})
	for err == nil {
		var change *coordinator.WatchSessionResponse
		change, err = watch.Recv()
		switch status := change.GetSession().GetStatus(); status {
		case "", "created", "waiting":
		case "in_progress":
			return nil
		default:
			return fmt.Errorf("the session is %s", status)
		}
	}
	return err
}

// rounds sends and collects the messages of one party, a round at a time.
type rounds struct {
	sessionID, self string
	// others in the order of the session; all is the same with this party in its place.
	others, all []string
	client      router.MessageRouterClient
	stream      grpc.ServerStreamingClient[router.MPCMessage]
	// early holds what belongs to later rounds, by round and sender.
	early map[int32]map[string][]byte
}

// subscribe begins with everything that was sent before, so that it does not matter who starts first.
func subscribe(
	ctx context.Context, conn grpc.ClientConnInterface, sessionID, self string, parties []*coordinator.ParticipantStatus,
) (*rounds, error) {
	client := router.NewMessageRouterClient(conn)
	stream, err := client.SubscribeMessages(ctx, &router.SubscribeRequest{SessionId: sessionID, PartyId: self})
	if err != nil {
		return nil, err
	}
	r := &rounds{sessionID: sessionID, self: self, client: client, stream: stream, early: map[int32]map[string][]byte{}}
	for _, party := range parties {
		r.all = append(r.all, party.PartyId)
		if party.PartyId != self {
			r.others = append(r.others, party.PartyId)
		}
	}
	return r, nil
}

// broadcast sends to all others; the router stores the message before it answers.
func (r *rounds) broadcast(ctx context.Context, round int32, payload []byte) error {
	return r.send(ctx, &router.MPCMessage{Round: round, Payload: payload, IsBroadcast: true})
}

// direct sends to one party. The router can read it: a protocol seals what only the recipient may see.
func (r *rounds) direct(ctx context.Context, round int32, to string, payload []byte) error {
	return r.send(ctx, &router.MPCMessage{Round: round, Payload: payload, ToParties: []string{to}})
}

func (r *rounds) send(ctx context.Context, message *router.MPCMessage) error {
	message.SessionId, message.FromParty = r.sessionID, r.self
	if _, err := r.client.RouteMessage(ctx, message); err != nil {
		return fmt.Errorf("round %d: %w", message.Round, err)
	}
	return nil
}

// receive waits for one message of the round from each of the others.
func (r *rounds) receive(round int32) (map[string][]byte, error) {
	for len(r.early[round]) < len(r.others) {
		message, err := r.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("round %d: the session is over", round)
		}
		if err != nil {
			return nil, fmt.Errorf("round %d: %w", round, err)
		}
		if r.early[message.Round] == nil {
			r.early[message.Round] = map[string][]byte{}
		}
		r.early[message.Round][message.FromParty] = message.Payload
	}
	messages := r.early[round]
	delete(r.early, round)
	return messages, nil
}
