/** HTTP/2 (RFC 9113) without TLS as far as calls and what is answered to them go. */
import { splitter, type Tap } from './tapped-relay.ts'

/** Section 3.4. */
const prefaceBytes = 24
/** Section 4.1: length (3 bytes), type, flags, stream. */
const headerBytes = 9
const dataFrame = 0
const headersFrame = 1

/** Steps: `call` when a client begins one, `answer` for every piece of one. */
export function http2Tap(): Tap {
  let greeted = false
  const up = splitter(
    (bytes) => (greeted ? frame(bytes) : prefaceBytes),
    (message) => {
      if (!greeted) {
        greeted = true
        return null
      }
      return message[3] === headersFrame ? 'call' : null
    },
  )
  const isAnswer = (message: Buffer) => message[3] === dataFrame && message.length > headerBytes
  return { up, down: splitter(frame, (message) => (isAnswer(message) ? 'answer' : null)) }
}

function frame(bytes: Buffer): number | null {
  return bytes.length < headerBytes ? null : headerBytes + bytes.readUIntBE(0, 3)
}
