/** A NATS URL, taken apart as the client wants it: it ignores what a URL says about user, password and TLS. */

export type NatsAddress = Readonly<{
  servers: string[]
  user?: string
  pass?: string
  token?: string
  /** Present for `tls://`: then a server without TLS is refused. */
  tls?: Readonly<Record<string, never>>
}>

/**
 * `text`: `nats://host:port` or `tls://host:port`, several separated by commas; the first that carries a user and
 * password, or a user alone (a token), gives them for all. Throws TypeError for what is not a URL, never showing it.
 */
export function parseNatsAddress(text: string): NatsAddress {
  const urls = text.split(',').map((part) => parse(part.trim()))
  const withUser = urls.find((url) => url.username !== '')
  return {
    servers: urls.map((url) => url.host),
    ...(withUser !== undefined && credentials(withUser)),
    ...(urls.some((url) => url.protocol === 'tls:') && { tls: {} }),
  }
}

function parse(part: string): URL {
  const url = URL.parse(part.includes('://') ? part : `nats://${part}`)
  if (url === null || url.hostname === '' || !['nats:', 'tls:'].includes(url.protocol)) {
    throw new TypeError('the NATS URL must be nats://host:port or tls://host:port')
  }
  return url
}

function credentials({ username, password }: URL): Pick<NatsAddress, 'user' | 'pass' | 'token'> {
  const user = decodeURIComponent(username)
  return password === '' ? { token: user } : { user, pass: decodeURIComponent(password) }
}
