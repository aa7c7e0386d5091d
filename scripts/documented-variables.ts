/**
 * Every environment variable that src reads is on a page of the docs under its whole name, so that whoever searches for
 * it finds it; and every one on a page exists.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'clients/go/README.md', 'deploy/nats/README.md']
const code = ['src', 'scripts', 'tests', 'clients']

const name = /\b(?:(?:MPC|NATS)_[A-Z0-9_]*[A-Z0-9]|DATABASE_URL)\b/g
/** As it is read: the key of a schema or of `env`, or text that names it. */
const read = /(?<=['"`])(?:MPC|NATS)_[A-Z0-9_]*[A-Z0-9](?=['"`])|\b(?:MPC|NATS)_[A-Z0-9_]*[A-Z0-9](?=:)/g
/** Of a family that differs in the beginning (`MPC_`, `MPC_NEW_`): the first stands for both. */
const readWithPrefix = /\$\{prefix\}([A-Z0-9_]*[A-Z0-9])/g

/** What is wrong, one line each. */
export function checkDocumentedVariables(root: string): readonly string[] {
  const text = (file: string) => readFileSync(join(root, file), 'utf8')
  const sources = filesIn(root, 'src', /(?<!\.d)\.ts$/).map(text)
  const all = code.flatMap((folder) => filesIn(root, folder, /\.(?:ts|mjs|go)$/)).map(text)
  const documents = [...pages, ...filesIn(root, 'docs', /\.md$/)]
  return undocumentedAndUnknown(sources, all, new Map(documents.map((page) => [page, text(page)])))
}

/** `sources`: texts that read variables; `all`: those and others that may mention one; `documents`: pages by name. */
export function undocumentedAndUnknown(
  sources: readonly string[],
  all: readonly string[],
  documents: ReadonlyMap<string, string>,
): readonly string[] {
  const prefixed = (source: string) => [...source.matchAll(readWithPrefix)].map(([, rest = '']) => `MPC_${rest}`)
  const needed = new Set(sources.flatMap((source) => [...(source.match(read) ?? []), ...prefixed(source)]))
  const known = new Set([...all.flatMap((source) => source.match(name) ?? []), ...needed])
  const documented = new Set([...documents.values()].flatMap((page) => page.match(name) ?? []))
  const isFamily = (variable: string) => documented.has(variable.replace(/^MPC_NEW_/, 'MPC_'))
  return [
    ...[...needed]
      .filter((variable) => !documented.has(variable) && !isFamily(variable))
      .map((variable) => `${variable} is on no page of the docs`),
    ...[...documents].flatMap(([page, content]) =>
      [...new Set(content.match(name) ?? [])]
        .filter((variable) => !known.has(variable))
        .map((variable) => `${page}: there is no ${variable}`),
    ),
  ]
}

function filesIn(root: string, folder: string, ending: RegExp): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}
