/** Every rule of every request in proto, broken alone over every protocol: the refusal names the field at fault. */
import type { DescMethodServerStreaming, DescMethodUnary, Message } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fieldNamesOf } from '../../../src/edge/field-names.ts'
import { restRoutesOf } from '../../../src/edge/rest-routes.ts'
import { AccountService, MpcService } from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { ServerParty } from '../../../src/gen/mpc/party/v1/server_party_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { callOver, protocols, seenOf, transportOf, type ProtocolName, type Seen } from './protocols.ts'
import { validRequest, violationsOf, type Violation } from './rule-violations.ts'
import { serveSample, type Sample } from './sample-service.ts'

const services = [SessionCoordinator, SessionFeed, MessageRouter, AccountService, MpcService, ServerParty]
const methods = services.flatMap((service) => service.methods)

let sample: Sample
beforeAll(async () => {
  // Nothing is implemented: what is valid goes on to be not found.
  sample = await serveSample({
    definition: { services, routes: (router) => services.forEach((service) => router.service(service, {})) },
  })
})
afterAll(() => sample.close())

const templates = new Map(restRoutesOf(services).map(({ method, template }) => [method.toString(), template]))

async function send(protocol: ProtocolName, method: (typeof methods)[number], request: Message): Promise<Seen> {
  // Every method of ours takes one message.
  if (method.methodKind === 'unary') return callOver(protocol, sample, method as DescMethodUnary, request)
  const transport = transportOf(protocol as 'grpc', sample)
  async function* messages() {
    yield request
  }
  try {
    const streaming = method as DescMethodServerStreaming
    const { message } = await transport.stream(streaming, undefined, 10_000, {}, messages())
    for await (const _ of message) continue
    throw new Error('the call was answered')
  } catch (error) {
    return seenOf(error)
  }
}

describe.each(methods.map((method) => [method.toString(), method] as const))('%s', (name, method) => {
  const template = templates.get(name)
  const violations = violationsOf(method.input, fieldNamesOf(method.parent))
  const reachable = (protocol: ProtocolName, { emptied }: Violation) =>
    protocol !== 'rest' || emptied === null || template?.includes(`{${emptied}}`) !== true

  test.each(protocols.filter((protocol) => protocol !== 'rest' || template !== undefined))(
    `over %s names what breaks each of ${violations.length} rules`,
    async (protocol) => {
      const valid = await send(protocol, method, validRequest(method.input))
      expect(valid.error).toBe('not_found')
      for (const violation of violations.filter((one) => reachable(protocol, one))) {
        const { error, details } = await send(protocol, method, violation.request)
        expect({ ...violation, error, fields: Object.keys(details) }).toMatchObject({
          error: 'invalid_request',
          fields: [violation.path],
        })
      }
    },
  )
})
