import { describe, expect, test } from 'vitest'
import { browserViolations, forbiddenImports } from '../../../scripts/dependency-rules.ts'
import { importsOf, type ImportGraph } from '../../../scripts/import-graph.ts'

const graph = (entries: Record<string, string[]>): ImportGraph => new Map(Object.entries(entries))

describe('imports are found', () => {
  test.for([
    ["import { a } from './a.ts'", './a.ts'],
    ["import type { A } from './a.ts'", './a.ts'],
    ["import {\n  a,\n  type B,\n} from './a.ts'", './a.ts'],
    ["export { a } from './a.ts'", './a.ts'],
    ["import './a.ts'", './a.ts'],
    ["const a = await import('./a.ts')", './a.ts'],
    ["const a: typeof import('pg') = x", 'pg'],
    ["const a = require('pg')", 'pg'],
  ])('in %j', ([source, target]) => {
    expect(importsOf(source ?? '')).toEqual([target])
  })

  test('but not in comments', () => {
    expect(importsOf("/**\n * import { a } from 'pg'\n */\n// from 'pg'\n")).toEqual([])
  })

  test('but not in strings', () => {
    expect(importsOf("type Field = 'from' | 'to'")).toEqual([])
  })
})

describe('an import is forbidden', () => {
  test.for([
    ['from one service to another', 'router/router.ts', 'src/coordinator/decide/decide.ts'],
    ['from crypto to anything but noble', 'crypto/sign/sign.ts', '@bufbuild/protobuf'],
    ['from crypto to Node', 'crypto/hash.ts', 'node:crypto'],
    ['from crypto to the party runtime', 'crypto/hash.ts', 'src/party/limits.ts'],
    ['from the browser party to a package of a server', 'party/browser/worker-host.ts', 'ws'],
    ['from the browser party to Node', 'party/browser/worker-host.ts', 'node:worker_threads'],
    ['from a party to the event log', 'party/envelope.ts', 'src/events/event-log.ts'],
    ['from the account service to the event log', 'account/main.ts', 'src/events/event-log.ts'],
    ['from the edge to a service', 'edge/serve.ts', 'src/router/router.ts'],
    ['from the client to the server party', 'client/node.ts', 'src/party/server/server-party.ts'],
    ['from the client to the edge of a server', 'client/calls.ts', 'src/edge/serve.ts'],
    ['from the client to Node', 'client/node.ts', 'node:fs'],
    ['from a service to the command', 'router/main.ts', 'src/cli/main.ts'],
    ['from generated code to ours', 'gen/x_pb.ts', 'src/edge/refusal.ts'],
  ])('%s', ([, file, target]) => {
    expect(forbiddenImports(graph({ [file ?? '']: [target ?? ''] }))).toEqual([`src/${file} may not import ${target}`])
  })

  test('from a folder that no rule knows', () => {
    expect(forbiddenImports(graph({ 'helpers/x.ts': [] }))).toHaveLength(1)
  })

  test('unless the folder may', () => {
    const allowed = {
      'crypto/hash.ts': ['@noble/hashes/sha2.js', 'src/crypto/bytes.ts'],
      'coordinator/main.ts': ['src/events/event-log.ts', 'src/crypto/ecdsa.ts', 'node:crypto', 'pg'],
      'client/node.ts': ['src/party/node/device-host.ts', 'src/edge/refusal.ts', '@connectrpc/connect-web'],
      'cli/run-service.ts': ['src/router/main.ts', 'src/party/main.ts'],
    }
    expect(forbiddenImports(graph(allowed))).toEqual([])
  })
})

describe('what a browser has to run', () => {
  test('reaches Node through no import, however indirect', () => {
    const indirect = graph({
      'party/envelope.ts': ['src/edge/refusal.ts'],
      'edge/refusal.ts': ['src/edge/log.ts'],
      'edge/log.ts': ['pino'],
    })
    expect(browserViolations(indirect)).toEqual([
      'a browser cannot run pino, imported by src/party/envelope.ts → src/edge/refusal.ts → src/edge/log.ts',
    ])
    for (const file of ['party/envelope.ts', 'party/browser/device-host.ts', 'party/execution/worker-pool.ts']) {
      expect(browserViolations(graph({ [file]: ['node:fs'] }))).toHaveLength(1)
    }
  })

  test('includes the client, except where it is for Node', () => {
    const entry = { 'client/node.ts': ['src/party/node/x.ts'], 'party/node/x.ts': ['node:fs'] }
    expect(browserViolations(graph(entry))).toEqual([])
    expect(browserViolations(graph({ ...entry, 'client/device.ts': ['src/party/node/x.ts'] }))).toHaveLength(1)
  })

  test('does not include the server party', () => {
    const server = graph({ 'party/server/x.ts': ['node:fs'], 'party/node/x.ts': ['pg'], 'party/main.ts': ['node:os'] })
    expect(browserViolations(server)).toEqual([])
  })
})
