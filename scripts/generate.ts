/**
 * Writes what is made from proto/: src/gen, with it docs/openapi, and clients/go/api where Go is installed; and the
 * field products of src/crypto/limbs. `--check` writes nothing and ends with exit code 1 where docs/openapi is not what
 * it should be.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { writeLimbProducts } from './limb-products.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

if (process.argv.includes('--check')) {
  const { staleOpenApiDocuments } = await import('./openapi/documents.ts')
  const problems = staleOpenApiDocuments(root)
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
} else {
  writeLimbProducts(root)
  process.exitCode = generateIn(root)
  if (process.exitCode === 0) {
    // Only now: it uses src/gen.
    const { writeOpenApiDocuments } = await import('./openapi/documents.ts')
    writeOpenApiDocuments(root)
    const hasGo = spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0
    if (hasGo) process.exitCode = generateIn(`${root}clients/go`)
    else console.warn('clients/go/api is left as it is: Go is not installed')
  }
}

function generateIn(folder: string): number {
  return spawnSync('buf', ['generate'], { cwd: folder, stdio: 'inherit' }).status ?? 1
}
