/** Reading a request's body without reading more than allowed. */
import { ConnectError } from '@connectrpc/connect'
import type { Arrival } from './arriving-bytes.ts'
import { Refusal } from './refusal.ts'

/**
 * The whole body. Throws Refusal 'payload_too_large', before reading where Content-Length says so, or the arrival's.
 */
export async function readBody(request: Request, maxBytes: number, arrival: Arrival): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of arrival.counted(request.body)) {
      size += chunk.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
  } catch (error) {
    // Reading fails when the client goes away, and nobody is left to answer: its doing, not a fault of ours.
    const isRefusal = error instanceof Refusal || error instanceof ConnectError
    throw isRefusal ? error : new Refusal('invalid_request', 'the request body ended early')
  }
  return Buffer.concat(chunks, size)
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal('payload_too_large', `the request body must not exceed ${maxBytes} bytes`, {
    body: `must not exceed ${maxBytes} bytes`,
  })
}
