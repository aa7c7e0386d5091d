package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
)

func TestPartiesWithTheirOwnProtocolCompleteASession(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if os.Getenv("COORDINATOR_ADDR") == "" || os.Getenv("ROUTER_ADDR") == "" {
		t.Fatal("this test needs a running system: COORDINATOR_ADDR and ROUTER_ADDR")
	}
	coord, route := connect(os.Getenv("COORDINATOR_ADDR")), connect(os.Getenv("ROUTER_ADDR"))
	defer coord.Close()
	defer route.Close()
	id, keys, err := makeKey(ctx, coord, route, []string{"alice", "bob", "carol"})
	if err != nil {
		t.Fatal(err)
	}
	status, err := coordinator.NewSessionCoordinatorClient(coord).GetSessionStatus(ctx,
		&coordinator.GetSessionStatusRequest{SessionId: id})
	if err != nil || status.Status != "completed" {
		t.Fatal(status, err)
	}
	key, err := hex.DecodeString(status.GetPublicKey())
	if err != nil || len(keys) != 3 {
		t.Fatal(keys, err)
	}
	for party, own := range keys {
		if !bytes.Equal(own, key) {
			t.Errorf("%s has %x, the session %x", party, own, key)
		}
	}
}

// Who opens something else than it committed to is found out by the others.
func TestAChangedOpeningIsNoticed(t *testing.T) {
	opening := append(make([]byte, saltBytes), bytes.Repeat([]byte{2}, pointBytes)...)
	first := commitment("s", "alice", opening)
	if bytes.Equal(first, commitment("s", "bob", opening)) || bytes.Equal(first, commitment("t", "alice", opening)) {
		t.Error("a commitment can be copied to another party or session")
	}
	_, err := sum([]string{"alice"}, map[string][]byte{"alice": opening[1:]})
	if err == nil || !strings.Contains(err.Error(), "alice") {
		t.Errorf("a short opening: %v", err)
	}
}
