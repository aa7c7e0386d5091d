/** The Node that runs the project. Plain JavaScript for Node 20.19 and newer. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './packages.mjs'

/** The first that runs TypeScript by stripping its types, without a flag. */
const minimum = [22, 18]

/** The pinned one from node_modules, else the one that runs us if it is new enough. Throws an Error for people. */
export function pinnedNode() {
  const pinned = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(pinned) && spawnSync(pinned, ['--version']).status === 0) return pinned
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > minimum[0] || (major === minimum[0] && minor >= minimum[1])) return process.execPath
  const platform = `${process.platform} ${process.arch}`
  throw new Error(`on ${platform} Node ${minimum.join('.')} or newer is needed; this is ${process.versions.node}`)
}
