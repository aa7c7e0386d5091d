/** What the headers of every answer must say, and what none may tell of the software that made it. */

export const banners = ['server', 'x-powered-by', 'x-aspnet-version', 'via', 'set-cookie', 'www-authenticate']

/** Of an answer of an HTTP port; empty where it is as it must be. */
export function unsafeIn(headers: Headers): readonly string[] {
  const policy = headers.get('content-security-policy') ?? 'none'
  const type = headers.get('content-type') ?? ''
  const rules: readonly (readonly [string, boolean])[] = [
    ['x-content-type-options is not nosniff', headers.get('x-content-type-options') === 'nosniff'],
    ['referrer-policy is not no-referrer', headers.get('referrer-policy') === 'no-referrer'],
    [`content-security-policy: ${policy}`, /^default-src 'none'; .*\bframe-ancestors 'none'/.test(policy)],
    [`content-security-policy: ${policy}`, !/unsafe|\*|https?:/.test(policy)],
    ['cache-control lets it be kept', /^no-(store|cache)$/.test(headers.get('cache-control') ?? '')],
    ...banners.map((name) => [`${name} is there`, !headers.has(name)] as const),
    ...[...headers].map(([name, value]) => {
      // Prometheus' text format has a version of its own.
      const isFormat = name === 'content-type' && type.startsWith('text/plain; version=0.0.4')
      return [`${name}: ${value}`, isFormat || !/\d+\.\d+\.\d+|node|hono|connect-es/i.test(value)] as const
    }),
  ]
  return rules.filter(([, holds]) => !holds).map(([problem]) => problem)
}
