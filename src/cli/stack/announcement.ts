/** What a person sees once the stack is up. */
import { relative } from 'node:path'
import { serviceSpecs } from './services.ts'
import type { Stack } from './stack.ts'

type Announced = Pick<Stack, 'folder' | 'natsUrl' | 'databaseUrl' | 'services'>

export function announcement(stack: Announced): string {
  const rows = serviceSpecs.map(({ name }) => {
    const { grpcUrl, httpUrl } = stack.services[name]
    return `  ${name.padEnd(20)} ${httpUrl.padEnd(24)} gRPC ${new URL(grpcUrl).host}`
  })
  return [
    '',
    '  mpc-system runs in OPEN MODE: no credentials are asked for, and only this machine can reach it.',
    '',
    ...rows,
    '',
    `  NATS                 ${withoutPassword(stack.natsUrl)}`,
    `  PostgreSQL           ${withoutPassword(stack.databaseUrl)}`,
    `  data and logs        ${relative(process.cwd(), stack.folder) || stack.folder}`,
    '',
    '  Try it: create a key generation session',
    '',
    `curl -X POST ${localhost(stack.services['session-coordinator'].httpUrl)}/api/v1/sessions \\`,
    '-H "Content-Type: application/json" \\',
    "-d '{",
    '"session_type": "keygen",',
    '"threshold_n": 3,',
    '"threshold_t": 2,',
    '"participants": [',
    '{"party_id": "party_0"},',
    '{"party_id": "party_1"},',
    '{"party_id": "party_2"}',
    ']',
    "}'",
    '',
    '  Ctrl-C stops everything.',
    '',
  ].join('\n')
}

function localhost(url: string): string {
  return url.replace('127.0.0.1', 'localhost')
}

function withoutPassword(urls: string): string {
  return urls.replace(/\/\/[^@/]*@/g, '//')
}
