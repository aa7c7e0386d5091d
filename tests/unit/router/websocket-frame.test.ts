import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { messageToJson } from '../../../src/edge/rest-json.ts'
import { MPCMessageSchema } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { frameOf } from '../../../src/router/websocket-pump.ts'

test.each([[[]], [['b']], [['b', 'c']]])('a frame is the message of the contract as JSON, to %j', (to) => {
  const payload = Uint8Array.of(0, 251, 255)
  const entry = { sequence: 12, from: 'a', to, round: 0, timeMs: 1703145600999, length: 3, payload: null }
  const message = create(MPCMessageSchema, {
    sessionId: 's',
    fromParty: 'a',
    toParties: to,
    round: 0,
    payload,
    isBroadcast: to.length === 0,
    timestamp: 1703145600n,
    sequence: 12n,
  })
  expect(JSON.parse(frameOf('s', { entry, payload }))).toEqual(messageToJson(MPCMessageSchema, message, 'snake_case'))
})
