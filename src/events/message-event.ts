/** Events of the stream MESSAGES as bytes and back. */
import { fromBinary } from '@bufbuild/protobuf'
import { MessageEventSchema, type MessageEvent } from '../gen/mpc/events/v1/message_events_pb.ts'

/** The version that this release writes. */
export const messageSchemaVersion = 1

/** Null for bytes that are not a MessageEvent. */
export function decodeMessageEvent(data: Uint8Array): MessageEvent | null {
  try {
    return fromBinary(MessageEventSchema, data)
  } catch {
    return null
  }
}
