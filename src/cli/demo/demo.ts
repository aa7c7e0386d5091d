/** `mpc demo`: the whole system, started, used once through its public interfaces, and stopped. */
import type { KeyType } from '../../crypto/key-type.ts'
import { createWorkerHost } from '../../party/node/worker-host.ts'
import { kindOfKey } from './key-kinds.ts'
import { narrateTo, silentNarrator } from './narrator.ts'
import { runScenario } from './scenario.ts'
import { startStack } from '../stack/stack.ts'

/**
 * Standard output gets the story or, with `json`, one object; standard error what takes time. Throws what goes wrong.
 */
export async function runDemo({ json, keyType }: Readonly<{ json: boolean; keyType: KeyType }>): Promise<void> {
  const narrator = json ? silentNarrator : narrateTo((line) => console.log(line))
  const began = performance.now()
  const stack = await startStack({ ephemeral: true, ports: 'preferred', say: (line) => console.error(line) })
  const host = createWorkerHost()
  try {
    const startMs = Math.round(performance.now() - began)
    narrator.started(startMs)
    const result = await runScenario(stack, host, narrator, kindOfKey(keyType))
    const timings = { start: startMs, ...result.timings_ms, total: Math.round(performance.now() - began) }
    if (json) console.log(JSON.stringify({ ...result, timings_ms: timings }))
  } finally {
    await host.close()
    await stack.close()
  }
  narrator.stopped()
}
