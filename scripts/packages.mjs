/** Brings node_modules in line with package-lock.json. Plain JavaScript for Node 20.19 and newer. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs `npm ci` if it has to. One process at a time does; the others wait for it. */
export async function ensurePackages() {
  if (whyInstall() === null) return
  const release = await takeLock(join(root, '.mpc', 'install.lock'))
  try {
    const reason = whyInstall()
    if (reason === null) return
    console.error(`mpc: installing packages (${reason})`)
    await npmCi()
    const still = whyInstall()
    if (still !== null) throw new Error(`the packages are still not those of package-lock.json (${still})`)
  } finally {
    release()
  }
}

/** npm keeps what it installed in a lockfile of its own, which it writes last. Null if nothing is to be done. */
function whyInstall() {
  const wanted = readPackages('package-lock.json')
  if (wanted === null) throw new Error('package-lock.json is missing or damaged')
  const present = readPackages('node_modules/.package-lock.json')
  if (present === null) return 'there are none yet'
  for (const [path, { version, optional, integrity }] of Object.entries(wanted)) {
    if (path === '') continue
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const installed = present[path]
    // Packages for other platforms are optional and left out.
    if (installed === undefined && optional) continue
    if (installed === undefined) return `${name} is missing`
    if (installed.version !== version || installed.integrity !== integrity) return `${name} is not ${version}`
  }
  return null
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages ?? null
  } catch {
    return null
  }
}

function npmCi() {
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  const [command, commandArgs] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args]
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArgs, { cwd: root, stdio: ['ignore', 2, 2] })
    child.once('error', (error) => reject(new Error(`cannot run npm: ${error.message}`)))
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error('npm ci failed: see above'))))
  })
}

/** A folder is made by exactly one process. It names its maker, so that one left by a killed process is known. */
async function takeLock(folder) {
  mkdirSync(dirname(folder), { recursive: true })
  const holder = join(folder, 'pid')
  for (;;) {
    try {
      mkdirSync(folder)
      writeFileSync(holder, String(process.pid))
      return () => rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw new Error(`cannot write to ${dirname(folder)} (${error.code})`)
    }
    await sleep(250)
    if (isAbandoned(holder)) rmSync(folder, { recursive: true, force: true })
  }
}

function isAbandoned(holder) {
  try {
    process.kill(Number(readFileSync(holder, 'utf8')) || process.pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}
