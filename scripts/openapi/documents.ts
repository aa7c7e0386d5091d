/** One OpenAPI 3.1 document for each service, made from proto/ and docs/api-examples.json. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileRegistry } from '@bufbuild/protobuf'
import packageJson from '../../package.json' with { type: 'json' }
import { readDocumentedExamples, type DocumentedExamples } from './documented-examples.ts'
import { restPaths } from './operations.ts'
import { descriptionOf, readProtoFiles, serviceNamed } from './proto-files.ts'
import { withComponents, type Components, type Schema } from './schema.ts'
import { errorResponses, errorSchema, headers, operatorPaths, parameters, securitySchemes } from './shared-parts.ts'
import { webSocketPaths } from './web-socket.ts'

type Outline = Readonly<{
  /** The file's name, and that of the service in /health. */
  name: string
  /** `service` of the health example, where several services share the document. */
  instance?: string
  title: string
  about: string
  services: readonly string[]
  /** The RPC that a WebSocket serves. */
  webSocket?: string
}>

const outlines: readonly Outline[] = [
  {
    name: 'session-coordinator',
    title: 'MPC Session Coordinator',
    about: 'Sessions: create, join, ready, start, complete.',
    services: ['mpc.coordinator.v1.SessionCoordinator', 'mpc.coordinator.v1.SessionLog'],
  },
  {
    name: 'message-router',
    title: 'MPC Message Router',
    about: 'Protocol messages between the parties of a session: store, deliver, replay.',
    services: ['mpc.router.v1.MessageRouter'],
    webSocket: 'SubscribeMessages',
  },
  {
    name: 'account-service',
    title: 'MPC Account Service',
    about: 'Accounts, and key generation and signing on their behalf.',
    services: ['mpc.account.v1.AccountService', 'mpc.account.v1.MpcService'],
  },
  {
    name: 'server-party',
    instance: 'server-party-1',
    title: 'MPC Server Party',
    about: 'A server party, as its operator sees it.',
    services: ['mpc.party.v1.ServerParty'],
  },
]

const folder = join('docs', 'openapi')

/** The documents as text, by their path below `root`. Throws where proto/ or the examples are wrong. */
export function openApiDocuments(root: string): ReadonlyMap<string, string> {
  const files = readProtoFiles(root)
  const documented = readDocumentedExamples()
  const entries = outlines.map((outline) => {
    const document = withComponents((components) => documentOf(outline, files, documented, components))
    return [join(folder, `${outline.name}.json`), `${JSON.stringify(document, null, 2)}\n`] as const
  })
  return new Map(entries)
}

export function writeOpenApiDocuments(root: string): void {
  mkdirSync(join(root, folder), { recursive: true })
  for (const [file, text] of openApiDocuments(root)) writeFileSync(join(root, file), text)
}

/** What is wrong with the files under `root`, one line each. */
export function staleOpenApiDocuments(root: string): readonly string[] {
  const wanted = openApiDocuments(root)
  const present = new Map(
    readdirSync(join(root, folder)).map((name) => [join(folder, name), readFileSync(join(root, folder, name), 'utf8')]),
  )
  const names = [...new Set([...wanted.keys(), ...present.keys()])]
  return names
    .filter((name) => wanted.get(name) !== present.get(name))
    .map((name) => `${name} is not up to date: npm run generate`)
}

function documentOf(
  outline: Outline,
  files: FileRegistry,
  documented: DocumentedExamples,
  components: Components,
): Schema {
  const { title, about } = outline
  const services = outline.services.map((name) => serviceNamed(files, name))
  const paths = restPaths(services, components, documented)
  const streamed = services.flatMap(({ methods }) => methods).find(({ name }) => name === outline.webSocket)
  return {
    openapi: '3.1.1',
    info: {
      title,
      version: packageJson.version,
      description: `${about} ${introduction}`,
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    servers: [{ url: '/', description: 'The service that this document came from.' }],
    tags: [
      ...services.map((service) => ({ name: service.name, description: descriptionOf(service) ?? about })),
      { name: 'Operation', description: 'What every service answers.' },
    ],
    paths: {
      ...paths,
      ...(streamed !== undefined && webSocketPaths(streamed, components, documented)),
      ...operatorPaths(documented, outline.instance ?? outline.name),
    },
    components: {
      schemas: { ...components.schemas(), Error: errorSchema },
      responses: errorResponses(documented.errors),
      parameters,
      headers,
      securitySchemes,
    },
  }
}

const introduction = [
  'The same methods are reachable over Connect, gRPC-web and gRPC.',
  'Unknown fields are ignored, null means absent, names may be snake_case or camelCase, bytes are base64.',
].join(' ')
