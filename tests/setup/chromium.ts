/**
 * A real Chromium for tests: the one that MPC_CHROMIUM names, one on PATH, or Debian's package, which root installs
 * where there is none.
 */
import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { promisify } from 'node:util'
import { chromium, type Browser } from 'playwright-core'
import { commandOnPath, rethrowLastLine } from '../../src/cli/processes/command.ts'

export type Search = Readonly<{
  env: NodeJS.ProcessEnv
  /** Told what takes time and changes the machine. */
  say: (line: string) => void
  isRoot?: boolean
}>

/** What a test's set-up may take on a machine that has to install Chromium first. */
export const chromiumTimeoutMs = 420_000

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const installTimeoutMs = 300_000
const maxOutputBytes = 16_777_216
const run = promisify(execFile)

/** The path of an executable. Throws an Error of one line: what is missing and what to do. */
export async function findChromium({ env, say, isRoot = process.getuid?.() === 0 }: Search): Promise<string> {
  const chosen = env['MPC_CHROMIUM']
  if (chosen !== undefined && chosen !== '') {
    await access(chosen, constants.X_OK).catch(() => {
      throw new Error(`MPC_CHROMIUM: ${chosen} cannot be executed`)
    })
    return chosen
  }
  const present = onPath(env)
  if (present !== undefined) return present
  const reason = await install(env, say, isRoot).catch((error: Error) => error.message)
  const installed = onPath(env)
  if (installed !== undefined) return installed
  throw new Error(`no Chromium found (${reason ?? 'the package brought none'}): install it or set MPC_CHROMIUM to one`)
}

/** As an ordinary user's would be, but without the services that call home. Needs no display. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await findChromium({ env: process.env, say: (line) => console.error(line) })
  return chromium.launch({
    executablePath,
    // Chromium's sandbox refuses to run as root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

function onPath(env: NodeJS.ProcessEnv): string | undefined {
  for (const name of names) {
    try {
      return commandOnPath(name, env)
    } catch {
      continue
    }
  }
  return undefined
}

async function install(env: NodeJS.ProcessEnv, say: (line: string) => void, isRoot: boolean): Promise<void> {
  const apt = commandOnPath('apt-get', env)
  if (!isRoot) throw new Error('only root can install it')
  say("installing Debian's chromium package for the browser tests (about a minute, once)")
  const options = {
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: installTimeoutMs,
    maxBuffer: maxOutputBytes,
  }
  await run(apt, ['update', '-qq'], options).catch(rethrowLastLine)
  await run(apt, ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options).catch(rethrowLastLine)
}
