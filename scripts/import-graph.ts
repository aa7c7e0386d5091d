/** Who imports whom in src. */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** By path below src. An import is `src/…` for our own files, `package.json`, or the name of a package or built-in. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

export function readImportGraph(root: string): ImportGraph {
  const src = join(root, 'src')
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    files.map((file) => {
      const resolve = (specifier: string) =>
        specifier.startsWith('.') ? relative(root, join(dirname(file), specifier)) : specifier
      return [relative(src, file), importsOf(readFileSync(file, 'utf8')).map(resolve)]
    }),
  )
}

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')`, `require('x')`. */
const importForms = /(?:(?<!['"])\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\(\s*)(['"])([^'"\n]+)\1/g

export function importsOf(source: string): readonly string[] {
  const code = source.replace(/^\s*(?:\*|\/\/|\/\*).*$/gm, '')
  return [...new Set([...code.matchAll(importForms)].map((match) => match[2] ?? ''))]
}

/** `@noble/curves/secp256k1.js` → `@noble/curves`. */
export function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}
