/**
 * Runs a part of the project on the Node that it is pinned to, on a bare clone too: installs the packages where they
 * are missing or not those of the lockfile. Plain JavaScript for Node 20.19 and newer. All that it says goes to stderr.
 *
 *   node scripts/run.mjs start|demo|mpc|test|bench|generate|build [arguments]
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ensurePackages, root } from './packages.mjs'
import { pinnedNode } from './pinned-node.mjs'

const [what = '', ...args] = process.argv.slice(2)

const entries = {
  start: ['src/cli/main.ts', 'start'],
  demo: ['src/cli/main.ts', 'demo'],
  mpc: ['src/cli/main.ts'],
  test: ['scripts/test.ts'],
  bench: ['bench/main.ts'],
  generate: ['scripts/generate.ts'],
  build: ['scripts/build.ts'],
}

try {
  const entry = Object.hasOwn(entries, what) ? entries[what] : undefined
  if (entry === undefined) throw new Error(`nothing is called "${what}": ${Object.keys(entries).join(', ')}`)
  await ensurePackages()
  run(pinnedNode(), [join(root, entry[0]), ...entry.slice(1), ...args])
} catch (error) {
  console.error(`mpc: ${error.message}`)
  process.exit(1)
}

function run(node, nodeArgs) {
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`
  // The IPC channel tells the child when we are gone, however we ended.
  const child = spawn(node, nodeArgs, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, PATH: path },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  endWithNpm(() => child.kill('SIGTERM'))
  child.once('error', (error) => {
    console.error(`mpc: cannot run ${node}: ${error.message}`)
    process.exit(1)
  })
  child.once('exit', (code, signal) => {
    if (signal !== null) {
      for (const forwarded of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(forwarded)
      process.kill(process.pid, signal)
    }
    process.exit(code ?? 1)
  })
}

/** npm that is killed takes nobody with it: only a new parent tells that it is gone. A shell may stand between us. */
function endWithNpm(stop) {
  if (process.env.npm_lifecycle_event === undefined) return
  const shell = readStat(process.ppid, 'comm')
  const npm = shell !== null && /^(sh|dash|bash)$/.test(shell) ? readStat(process.ppid, 'ppid') : null
  const parent = process.ppid
  const isGone = () => process.ppid !== parent || (npm !== null && readStat(parent, 'ppid') !== npm)
  setInterval(() => {
    if (isGone()) stop()
  }, 250).unref()
}

/** What Linux's proc(5) tells of a process: its name or its parent's pid; null elsewhere or when it is gone. */
function readStat(pid, what) {
  try {
    const [, comm, ppid] = /^\d+ \((.*)\) \S+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return what === 'comm' ? comm : ppid
  } catch {
    return null
  }
}
