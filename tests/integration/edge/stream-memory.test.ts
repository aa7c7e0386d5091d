import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { create } from '@bufbuild/protobuf'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node'
import { expect, test } from 'vitest'
import { MessageRouter, MPCMessageSchema, type MPCMessage } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { serveSample } from './sample-service.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const count = 100

test.each(['grpc', 'connect'] as const)('%s: a stream keeps nothing of what it has sent', async (protocol) => {
  const sent: WeakRef<MPCMessage>[] = []
  const sample = await serveSample({
    definition: {
      services: [MessageRouter],
      routes: (router) =>
        router.service(MessageRouter, {
          subscribeMessages: async function* (_request, { signal }) {
            const ended = new Promise((resolve) => signal.addEventListener('abort', resolve))
            for (let round = 0; round < count; round += 1) {
              const message = create(MPCMessageSchema, { round, payload: new Uint8Array(50_000) })
              sent.push(new WeakRef(message))
              yield message
            }
            await ended
          },
        }),
    },
  })
  const transport =
    protocol === 'grpc'
      ? createGrpcTransport({ baseUrl: sample.grpcUrl })
      : createConnectTransport({ baseUrl: sample.httpUrl, httpVersion: '1.1' })
  const call = new AbortController()
  const request = { sessionId: 's1', partyId: 'a' }
  const client = createClient(MessageRouter, transport)
  const stream = client.subscribeMessages(request, { signal: call.signal })[Symbol.asyncIterator]()
  for (let received = 0; received < count; received += 1) expect((await stream.next()).value?.round).toBe(received)
  collectGarbage()
  const kept = sent.filter((message) => message.deref() !== undefined)
  call.abort()
  await sample.close()
  expect(kept.length).toBeLessThan(count / 2)
})
