/**
 * Licences of the packages that are installed with this one: what the lockfile says of each, and what each installed
 * package says of itself. Tools for development are not part of what we give to others, and are not looked at.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** Permissive: use, change and pass on under any terms, with their notices kept. SPDX identifiers. */
const permissive: ReadonlySet<string> = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'])

/** Packages under another licence, and why that is acceptable. */
const exceptions: Readonly<Record<string, Readonly<{ licence: string; reason: string }>>> = {
  tweetnacl: { licence: 'Unlicense', reason: 'a dedication to the public domain, which asks for nothing at all' },
}

const lockfile = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), license: z.string().optional() })),
})
const manifest = z.object({ license: z.string().optional() })

/** One line for each package whose licence is unknown or not allowed. */
export function checkLicences(root: string): readonly string[] {
  const { packages } = lockfile.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')))
  const ours = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  if (ours.length === 0) return ['package-lock.json has no packages']
  return ours.flatMap(([path, { license }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const own = licenceOfInstalled(join(root, path))
    const told = own === null ? [license] : [license, own]
    return [...new Set(told.flatMap((licence) => licenceProblem(name, licence) ?? []))]
  })
}

/** Null where `licence` is allowed for the package. */
export function licenceProblem(name: string, licence: string | undefined): string | null {
  if (licence === undefined || licence === '') return `${name} does not say what its licence is`
  const exception = Object.hasOwn(exceptions, name) ? exceptions[name] : undefined
  if (exception?.licence === licence || isPermissive(licence)) return null
  return `${name} is under "${licence}", which is not on the list in scripts/licences.ts`
}

/** An SPDX expression (annex D of SPDX 2.3) of permissive licences; what it cannot read is none. */
export function isPermissive(expression: string): boolean {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const term = (): boolean => {
    const token = tokens[at++]
    if (token !== '(') return token !== undefined && permissive.has(token)
    const inner = either()
    return tokens[at++] === ')' && inner
  }
  const both = (): boolean => {
    let all = term()
    while (tokens[at] === 'AND') {
      at++
      all = term() && all
    }
    return all
  }
  const either = (): boolean => {
    let any = both()
    while (tokens[at] === 'OR') {
      at++
      any = both() || any
    }
    return any
  }
  return either() && at === tokens.length
}

/** Null where it is not installed: an optional package of another platform. */
function licenceOfInstalled(folder: string): string | null {
  try {
    return manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).license ?? ''
  } catch {
    return null
  }
}
