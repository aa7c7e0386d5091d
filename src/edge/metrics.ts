/** Metrics of one service in Prometheus' text format. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Protocol = 'rest' | 'connect' | 'grpc' | 'grpc-web'

/** `code` is 'ok' or the refusal's code; `method` is `Service/Method`, so the number of series is bounded. */
export type FinishedCall = Readonly<{ protocol: Protocol; method: string; code: string; durationMs: number }>

/** Limits that refuse a call or a connection. */
export type LimitName =
  | 'caller'
  | 'address'
  | 'auth_failures'
  | 'streams'
  | 'connections'
  | 'handshakes'
  | 'arriving'
  | 'slow_client'

/** What a refused call showed; 'none' where only its message held a secret, such as a join token, or nothing did. */
export type CredentialKind = 'api_key' | 'party_credential' | 'other' | 'none'

export type Metrics = Readonly<{
  callFinished: (call: FinishedCall) => void
  httpAnswered: (method: string, status: number) => void
  /** A limit has refused something. */
  limited: (limit: LimitName) => void
  authenticationFailed: (credential: CredentialKind) => void
  /** The file of API keys was read; `isUsable` false where it could not be used, and the keys from before are. */
  apiKeysRead: (isUsable: boolean, keys: number) => void
  /** Where a service adds what it counts itself. */
  registry: Registry
  contentType: string
  text: () => Promise<string>
}>

export function createMetrics(service: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  // Anybody who reaches the port may read the metrics, and which Node runs here is of use to an attacker only.
  registry.removeSingleMetric('nodejs_version_info')
  const calls = new Counter({
    name: 'mpc_calls_total',
    help: 'Calls that have ended, by protocol, method and outcome.',
    labelNames: ['protocol', 'method', 'code'],
    registers: [registry],
  })
  const durations = new Histogram({
    name: 'mpc_call_duration_seconds',
    help: 'From the arrival of a call to its last byte.',
    labelNames: ['protocol', 'method', 'code'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [registry],
  })
  const answers = new Counter({
    name: 'mpc_http_responses_total',
    help: 'Responses of the HTTP port, by request method and status.',
    labelNames: ['method', 'status'],
    registers: [registry],
  })
  const limited = new Counter({
    name: 'mpc_limited_total',
    help: 'Calls and connections that a limit refused or ended, by limit.',
    labelNames: ['limit'],
    registers: [registry],
  })
  const authFailures = new Counter({
    name: 'mpc_auth_failures_total',
    help: 'Calls refused for their credential or token, by the kind of credential in Authorization.',
    labelNames: ['credential'],
    registers: [registry],
  })
  const apiKeys = new Gauge({
    name: 'mpc_api_keys',
    help: 'API keys in use.',
    registers: [registry],
  })
  const apiKeysFailing = new Gauge({
    name: 'mpc_api_keys_failing',
    help: '1 while the file of API keys cannot be used and the keys from before are.',
    registers: [registry],
  })
  return {
    callFinished: ({ protocol, method, code, durationMs }) => {
      calls.inc({ protocol, method, code })
      durations.observe({ protocol, method, code }, durationMs / 1_000)
    },
    httpAnswered: (method, status) => answers.inc({ method: knownMethods.has(method) ? method : 'other', status }),
    registry,
    limited: (limit) => limited.inc({ limit }),
    authenticationFailed: (credential) => authFailures.inc({ credential }),
    apiKeysRead: (isUsable, keys) => {
      apiKeys.set(keys)
      apiKeysFailing.set(isUsable ? 0 : 1)
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  }
}

const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
