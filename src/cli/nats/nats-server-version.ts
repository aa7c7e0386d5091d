/** Which nats-server an executable is. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The oldest that the event log works with and is tested against. */
export const minimumVersion = '2.9.0'

const answerTimeoutMs = 5000

/** Throws with the reason if `program` is not a nats-server of at least `minimumVersion`. Returns its version. */
export async function checkVersion(program: string): Promise<string> {
  const answer = promisify(execFile)(program, ['--version'], { timeout: answerTimeoutMs })
  const { stdout, stderr } = await answer.catch(() => {
    throw new Error(`${program} cannot be executed`)
  })
  // Some releases print it on stderr.
  const version = /nats-server: v?(\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1]
  if (version === undefined) throw new Error(`${program} is not a nats-server`)
  if (isOlder(version, minimumVersion)) throw new Error(`${program} is ${version}, older than ${minimumVersion}`)
  return version
}

function isOlder(version: string, than: string): boolean {
  const limit = than.split('.').map(Number)
  const differences = version.split('.').map((part, index) => Number(part) - (limit[index] ?? 0))
  return (differences.find((difference) => difference !== 0) ?? 0) < 0
}
