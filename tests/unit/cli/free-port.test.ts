import { execFileSync } from 'node:child_process'
import { connect } from 'node:net'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { claimPort, freePort, reserveFreePort, reservePort } from '../../../src/cli/processes/free-port.ts'

const moduleFile = fileURLToPath(new URL('../../../src/cli/processes/free-port.ts', import.meta.url))

/** What another process answers that asks for the port. */
function claimedElsewhere(port: number): string {
  const code = `import { claimPort } from ${JSON.stringify(moduleFile)}; console.log(await claimPort(${port}))`
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }).trim()
}

test('a port that was given is given to nobody else, in this process or another, before its server starts', async () => {
  const port = await freePort()
  expect(await claimPort(port)).toBe(false)
  expect(claimedElsewhere(port)).toBe('false')
  expect((await reservePort(port))?.port).toBe(port)
})

test('the claim ends with the process that made it', async () => {
  const port = Number(
    execFileSync(
      process.execPath,
      ['--input-type=module', '-e', `import { freePort } from ${JSON.stringify(moduleFile)}; console.log(await freePort())`],
      { encoding: 'utf8' },
    ),
  )
  expect(claimedElsewhere(port)).toBe('true')
  expect(await claimPort(port)).toBe(true)
})

test('a reserved port is let go of while somebody is connected to it', async () => {
  const { port, release } = await reserveFreePort()
  const visitor = connect(port, '127.0.0.1')
  visitor.on('error', () => {})
  await once(visitor, 'connect')
  await release()
  expect(await reservePort(port)).not.toBeNull()
  visitor.destroy()
})
