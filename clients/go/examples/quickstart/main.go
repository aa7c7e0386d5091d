// The Go example of the API reference, section 8.1, with the package clause and the import of fmt that it leaves out.
// It uses grpc.Dial and grpc.WithInsecure as the reference does; the other examples use their successors.
package main

import (
	"context"
	"fmt"

	coordinator "github.com/rwadurian/mpc-system/api/grpc/coordinator/v1"
	"google.golang.org/grpc"
)

func main() {
	conn, _ := grpc.Dial("localhost:50051", grpc.WithInsecure())
	client := coordinator.NewSessionCoordinatorClient(conn)

	// 创建 keygen 会话
	resp, _ := client.CreateSession(context.Background(), &coordinator.CreateSessionRequest{
		SessionType: "keygen",
		ThresholdN:  3,
		ThresholdT:  2,
		Participants: []*coordinator.ParticipantInfo{
			{PartyId: "party_0"},
			{PartyId: "party_1"},
			{PartyId: "party_2"},
		},
	})

	fmt.Println("Session ID:", resp.SessionId)
}
