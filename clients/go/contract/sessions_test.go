package contract

import (
	"strings"
	"testing"
	"time"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
)

func TestTheThresholdsComeBackAsTheyWereSent(t *testing.T) {
	created := create(t, keygenOf("party_0", "party_1", "party_2"))
	status, err := sessions(t).GetSessionStatus(patience(t), &coordinator.GetSessionStatusRequest{
		SessionId: created.SessionId,
	})
	if err != nil {
		t.Fatal(err)
	}
	if status.ThresholdT != 2 || status.ThresholdN != 3 || status.Status != "created" {
		t.Errorf("t=%d n=%d %s", status.ThresholdT, status.ThresholdN, status.Status)
	}
	for i, party := range status.Participants {
		if party.PartyIndex != int32(i) || party.Status != "waiting" {
			t.Errorf("participant %d: %v", i, party)
		}
	}
}

func TestEveryPartyGetsATokenOfItsOwn(t *testing.T) {
	created := create(t, keygenOf("party_0", "party_1", "party_2"))
	seen := map[string]bool{}
	for _, party := range []string{"party_0", "party_1", "party_2"} {
		token := created.JoinTokens[party]
		if !strings.HasPrefix(token, "mpc_join_") || seen[token] {
			t.Errorf("%s has the token %q", party, token)
		}
		seen[token] = true
	}
	if len(created.JoinTokens) != 3 {
		t.Errorf("%d tokens", len(created.JoinTokens))
	}
}

func TestTheExpiryIsInUnixSecondsAndFiveMinutesAwayByDefault(t *testing.T) {
	for asked, seconds := range map[int32]int64{0: 300, 60: 60, 86400: 86400} {
		request := keygenOf("party_0", "party_1")
		request.ExpiresInSeconds = asked
		before := time.Now().Unix()
		expiresAt := create(t, request).ExpiresAt
		after := time.Now().Unix() + 1
		if expiresAt < before+seconds || expiresAt > after+seconds {
			t.Errorf("asked for %d s, got %d s", asked, expiresAt-before)
		}
	}
}

func TestAJoinIsAnsweredWithTheIndexAndTheOthers(t *testing.T) {
	created := create(t, keygenOf("party_0", "party_1"))
	joined, err := sessions(t).JoinSession(patience(t), &coordinator.JoinSessionRequest{
		JoinToken: created.JoinTokens["party_1"], PartyId: "party_1", DeviceType: "iOS", DeviceId: "device_001",
	})
	if err != nil {
		t.Fatal(err)
	}
	if joined.PartyIndex != 1 || joined.Status != "joined" || !strings.HasPrefix(joined.PartyCredential, "mpc_party_") {
		t.Errorf("index %d, %s", joined.PartyIndex, joined.Status)
	}
	if joined.Participants[0].Status != "waiting" || joined.Participants[1].Status != "joined" {
		t.Errorf("participants: %v", joined.Participants)
	}
}
