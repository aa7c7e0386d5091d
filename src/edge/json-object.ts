/** A request body as a JSON object, with limits and with refusals that say what is wrong. */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { Refusal } from './refusal.ts'

/** The JSON object in `bytes`; nothing at all counts as {}. Throws Refusal 'invalid_request'. */
export function parseJsonObject(bytes: Uint8Array, maxDepth: number): JsonObject {
  if (bytes.length === 0) return {}
  const text = decodeUtf8(bytes)
  if (jsonDepth(text, maxDepth) > maxDepth) throw notAccepted(`must not be nested deeper than ${maxDepth} levels`)
  let json: JsonValue
  try {
    json = JSON.parse(text) as JsonValue // JSON.parse gives JSON values only
  } catch {
    throw notAccepted('must be valid JSON')
  }
  if (!isJsonObject(json)) throw notAccepted('must be a JSON object')
  return json
}

export function isJsonObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw notAccepted('must be valid UTF-8')
  }
}

/** How deep `text` nests lists and objects, counted until `limit` is passed. Text that is no JSON gives any number. */
function jsonDepth(text: string, limit: number): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length && deepest <= limit; at++) {
    const char = text.charCodeAt(at)
    if (char === quote) at = endOfString(text, at)
    else if (char === openBrace || char === openBracket) deepest = Math.max(deepest, ++depth)
    else if (char === closeBrace || char === closeBracket) depth--
  }
  return deepest
}

/** Position of the quote that ends the string begun at `start`; long base64 strings are skipped at native speed. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++
    if (backslashes % 2 === 0) return at
  }
  return text.length
}

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d]

function notAccepted(problem: string): Refusal {
  return new Refusal('invalid_request', `the request body ${problem}`, { body: problem })
}
