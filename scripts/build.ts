/**
 * `npm run build`: what the package ships, in dist/. JavaScript of everything, because Node strips no types below
 * node_modules, and declarations of what `mpc-system/client` shows. Types are checked by `npm test`, not here.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importsOf } from './import-graph.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const entry = 'client/node.d.ts'

rmSync(dist, { recursive: true, force: true })
compile('--outDir', dist)
const declarations = mkdtempSync(join(tmpdir(), 'mpc-declarations-'))
try {
  compile('--outDir', declarations, '--declaration', '--emitDeclarationOnly')
  copyReachable(declarations, entry, new Set())
} finally {
  rmSync(declarations, { recursive: true, force: true })
}

function compile(...args: readonly string[]): void {
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const { status, error } = spawnSync(tsc, ['-p', join(root, 'scripts', 'tsconfig.build.json'), ...args], {
    stdio: 'inherit',
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`tsc ended with exit code ${status}`)
}

/**
 * tsc leaves `.ts` in the imports of declarations: not every tool finds the declarations of a file that is not there.
 */
function copyReachable(from: string, file: string, copied: Set<string>): void {
  if (copied.has(file)) return
  copied.add(file)
  const source = readFileSync(join(from, file), 'utf8')
  const target = join(dist, file)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, source.replace(/(['"]\.\.?\/[^'"]*)\.ts(?=['"])/g, '$1.js'))
  for (const specifier of importsOf(source)) {
    if (specifier.startsWith('.')) copyReachable(from, declarationOf(join(dirname(file), specifier)), copied)
  }
}

function declarationOf(module: string): string {
  return module.replace(/\.ts$/, '.d.ts')
}
