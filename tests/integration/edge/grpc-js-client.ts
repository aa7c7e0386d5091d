/** An independent gRPC client: Google's grpc-js over our .proto files, without any of our generated code. */
import { join } from 'node:path'
import * as grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const protoFolder = join(import.meta.dirname, '../../../proto')
const loaded = loadSync(
  [
    'mpc/coordinator/v1/session_coordinator.proto',
    'mpc/coordinator/v1/session_feed.proto',
    'mpc/router/v1/message_router.proto',
    'grpc/health/v1/health.proto',
    'grpc/reflection/v1/reflection.proto',
  ],
  { includeDirs: [protoFolder], keepCase: true, longs: Number, defaults: true, enums: String, oneofs: true },
)
const contracts = grpc.loadPackageDefinition(loaded)

export type Message = Record<string, unknown>

export type Stub = grpc.Client & Record<string, (...args: unknown[]) => grpc.ClientReadableStream<Message>>

/** A client of the service with that full name at `url`. */
export function grpcClient(name: string, url: string, credentials = grpc.credentials.createInsecure()): Stub {
  // grpc-js gives packages as nested objects, with a client class at each leaf.
  const Service = name.split('.').reduce<unknown>((at, part) => (at as Message)[part], contracts)
  const Client = Service as new (address: string, credentials: grpc.ChannelCredentials) => Stub
  return new Client(new URL(url).host, credentials)
}

export type Outcome = Readonly<{ error: grpc.ServiceError | null; answer: Message | undefined }>

export function unary(stub: Stub, method: string, request: object, metadata = new grpc.Metadata()): Promise<Outcome> {
  return new Promise((resolve) => {
    stub[method]?.(request, metadata, (error: grpc.ServiceError | null, answer: Message) => resolve({ error, answer }))
  })
}
