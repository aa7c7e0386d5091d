/** The PostgreSQL protocol (version 3) as far as the ends of transactions go. */
import { splitter, type Tap } from './tapped-relay.ts'

/** Steps: `commit` when a service asks for it, `committed` when the server has answered. */
export function postgresTap(): Tap {
  let started = false
  const up = splitter(
    // Only the very first message of a client has no type.
    (bytes) => (started ? typed(bytes) : bytes.length < 4 ? null : bytes.readInt32BE(0)),
    (message) => {
      if (!started) {
        started = true
        return null
      }
      return isText(message, 'Q', 'commit') ? 'commit' : null
    },
  )
  return { up, down: splitter(typed, (message) => (isText(message, 'C', 'COMMIT') ? 'committed' : null)) }
}

/** One byte of type, four bytes of length that count themselves. */
function typed(bytes: Buffer): number | null {
  return bytes.length < 5 ? null : 1 + bytes.readInt32BE(1)
}

function isText(message: Buffer, type: string, text: string): boolean {
  return message.toString('latin1') === `${type}${message.toString('latin1', 1, 5)}${text}\0`
}
