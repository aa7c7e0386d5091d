package contract

import (
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc"
	health "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func TestEveryPortAnswersHealthChecks(t *testing.T) {
	for _, address := range strings.Split(os.Getenv("GRPC_ADDRS"), ",") {
		client := health.NewHealthClient(connect(t, address))
		for _, service := range append(listServices(t, connect(t, address)), "") {
			if strings.HasPrefix(service, "grpc.") {
				continue
			}
			answer, err := client.Check(patience(t), &health.HealthCheckRequest{Service: service})
			if err != nil || answer.Status != health.HealthCheckResponse_SERVING {
				t.Errorf("%s %q: %v %v", address, service, answer, err)
			}
		}
	}
}

func TestEveryPortDescribesItsServicesCompletely(t *testing.T) {
	for _, address := range strings.Split(os.Getenv("GRPC_ADDRS"), ",") {
		conn := connect(t, address)
		for _, service := range listServices(t, conn) {
			answer := ask(t, conn, &reflectionv1.ServerReflectionRequest{
				MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service},
			})
			set := &descriptorpb.FileDescriptorSet{}
			for _, raw := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
				file := &descriptorpb.FileDescriptorProto{}
				if err := proto.Unmarshal(raw, file); err != nil {
					t.Fatal(err)
				}
				set.File = append(set.File, file)
			}
			files, err := protodesc.NewFiles(set) // Refuses a set that lacks an import.
			if err != nil {
				t.Fatalf("%s %s: %v", address, service, err)
			}
			if _, err := files.FindDescriptorByName(protoreflect.FullName(service)); err != nil {
				t.Errorf("%s %s: %v", address, service, err)
			}
		}
	}
}

func listServices(t *testing.T, conn *grpc.ClientConn) []string {
	t.Helper()
	answer := ask(t, conn, &reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	})
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.Name)
	}
	if len(names) < 3 {
		t.Fatalf("services: %v", names)
	}
	return names
}

func ask(t *testing.T, conn *grpc.ClientConn, question *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(question); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	return answer
}
