/** Tells every lie of one liar, each in a session of its own and several at once, and says what came of them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openArena, runSession, type Arena } from './arena.ts'
import type { Lie, Liar } from './lie.ts'
import { count, emptyTally, type Tally } from './tally.ts'
import { judge } from './verdict.ts'

/** `further`: tests of lies that are told otherwise, after the others. */
export function tellAll(
  liar: Liar,
  lies: readonly Lie[],
  further: (arena: () => Arena, tally: Tally) => void = () => {},
): void {
  let arena: Arena
  const tally = emptyTally()

  beforeAll(async () => {
    arena = await openArena(lies)
  })
  afterAll(async () => {
    await arena.close()
    await record(liar, tally)
  })

  test('every lie has a name of its own', () => {
    const names = lies.map(nameOf)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  describe(`a malicious ${liar}`, () => {
    test.concurrent.each(lies.map((lie) => [nameOf(lie), lie] as const))('%s', async (_name, lie) => {
      const told = await runSession(arena, lie)
      const verdict = judge(lie, told)
      count(tally, told.lies > 0, verdict)
      expect(verdict).toEqual({ signatures: [], shares: [], blames: [], secrets: [], ends: [] })
    })
    further(() => arena, tally)
  })
}

function nameOf({ keyType, session, step, name }: Lie): string {
  return `${keyType}, ${session}, ${step}: ${name}`
}

/** For the summary at the end of the run (summary.ts). */
async function record(liar: Liar, tally: Tally): Promise<void> {
  await writeFile(join(inject('talliesFolder'), `${liar}.json`), JSON.stringify(tally))
}
