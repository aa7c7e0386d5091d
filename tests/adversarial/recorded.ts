/** Everything that parties say in one session, to be searched for secrets and for what they blame on whom. */
import { create, isMessage, toBinary } from '@bufbuild/protobuf'
import type { Transport } from '@connectrpc/connect'
import { bytesToHex } from '@noble/hashes/utils.js'
import {
  JoinSessionRequestSchema,
  ReportCompletionRequestSchema,
  type ReportCompletionRequest,
} from '../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MPCMessageSchema, type MPCMessage } from '../../src/gen/mpc/router/v1/message_router_pb.ts'
import type { PartyLog } from '../../src/party/party-log.ts'

export type Seen = {
  readonly bytes: Uint8Array[]
  /** By who made the call, whatever it says. */
  readonly reports: Readonly<{ partyId: string; report: ReportCompletionRequest }>[]
  readonly messages: MPCMessage[]
  /** The tokens that were to be redeemed. */
  readonly joins: string[]
}

export function nothingSeen(): Seen {
  return { bytes: [], reports: [], messages: [], joins: [] }
}

/** The calls of one party, to services that lie or do not. */
export function recordedCalls(transport: Transport, partyId: string, seen: Seen): Transport {
  return {
    unary: (method, signal, timeoutMs, header, input, ...rest) => {
      const request = create(method.input, input)
      seen.bytes.push(toBinary(method.input, request))
      if (isMessage(request, ReportCompletionRequestSchema)) seen.reports.push({ partyId, report: request })
      if (isMessage(request, MPCMessageSchema)) seen.messages.push(request)
      if (isMessage(request, JoinSessionRequestSchema)) seen.joins.push(request.joinToken)
      return transport.unary(method, signal, timeoutMs, header, input, ...rest)
    },
    stream: (...call) => transport.stream(...call),
  }
}

/** Everything a party tells its operator. */
export function recordingLog(): Readonly<{ log: PartyLog; text: () => string }> {
  const lines: string[] = []
  const write = (fields: Readonly<Record<string, unknown>>, text: string) => {
    lines.push(`${text} ${JSON.stringify(fields, asHex)}`)
  }
  return { log: { info: write, warn: write, error: write }, text: () => lines.join('\n') }
}

function asHex(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? bytesToHex(value) : value
}
