/**
 * Tables of docs that say "attack, guard, test" must not rot: every file in them exists, every function named in
 * brackets after a source file is in it, every test named in typographic quotes after a test file is in that file, and
 * every row that has a guard in src has a test.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const pages = ['docs/security.md', 'docs/pitfalls.md']

const path = /`((?:src|tests|deploy|scripts|proto|docs)\/[^`]+)`/g
/** A file and, right after it, the functions in it: `src/a.ts` (`one`, `two`). */
const fileWithFunctions = /`(src\/[^`]+)` \(((?:`[^`]+`(?:, )?)+)\)/g
/** A file and, right after it, tests in it: `tests/a.test.ts` “one”, “two”. */
const fileWithTests = /`(tests\/[^`]+)`((?:,? “[^”]+”)+)/g

/** What is wrong, one line each. */
export function checkDocumentedGuards(root: string): readonly string[] {
  return pages.flatMap((page) => problemsOf(page, readFileSync(join(root, page), 'utf8'), root))
}

/** `text`: the page. Only its tables are looked at. */
export function problemsOf(page: string, text: string, root: string): readonly string[] {
  const read = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : null)
  return text.split('\n').flatMap((line, i) => {
    if (!line.startsWith('|')) return []
    return problemsOfRow(line, read).map((problem) => `${page}:${i + 1}: ${problem}`)
  })
}

function problemsOfRow(row: string, read: (file: string) => string | null): readonly string[] {
  const files = [...row.matchAll(path)].map(([, file = '']) => file)
  const missing = files.filter((file) => read(file) === null).map((file) => `there is no ${file}`)
  const functions = [...row.matchAll(fileWithFunctions)].flatMap(([, file = '', names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)]
      .filter(([, name = '']) => !new RegExp(`\\b${name}\\b`).test(read(file) ?? ''))
      .map(([, name = '']) => `${file} has no ${name}`),
  )
  const tests = [...row.matchAll(fileWithTests)].flatMap(([, file = '', names = '']) =>
    [...names.matchAll(/“([^”]+)”/g)]
      .filter(([, name = '']) => !unescaped(read(file) ?? '').includes(name))
      .map(([, name = '']) => `${file} has no test “${name}”`),
  )
  const guarded = files.some((file) => file.startsWith('src/'))
  const tested = [...row.matchAll(fileWithTests)].length > 0
  return [...missing, ...functions, ...tests, ...(guarded && !tested ? ['a guard without a test'] : [])]
}

/** As a reader sees a name that is written in a string. */
function unescaped(source: string): string {
  return source.replaceAll(/\\(['"`])/g, '$1')
}
