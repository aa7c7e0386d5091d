/**
 * Keeps secrets in src/crypto out of code whose time depends on values: BigInt, library calls, branches, early exits,
 * divisions and table lookups. No type says what is secret, so everything of these kinds counts, and every use that is
 * meant is in `allowed` with its reason. Reads text: what it recognises is a lower bound, for review to start from.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { allowed, type Allowance } from './secret-flow-allowed.ts'

/** Where a rule applies, by path below src/crypto. */
const everywhere = /^(?!reference\/|frost\/)/ // the reference engine is for tests; FROST is @noble/curves throughout
const arithmetic = /^(limbs|symmetric|curve|ot)\/|^(bytes|rvole)\.ts$/
const computing = /^(limbs|symmetric|curve|ot|sign|keygen)\/|^(bytes|rvole|polynomial|schnorr|hash)\.ts$/

/** Names that only ever hold counters, sizes and positions, which are public. */
const publicNames = 'i|j|k|at|row|bit|length|whole|done|transfers|windows|digitCount|blockBits|columnCount'
const publicName = new RegExp(`^(\\d[\\w.]*|[a-z]+\\.length|${publicNames})$`)

type Rule = Readonly<{ kind: string; files: RegExp; finds: (code: string) => boolean }>

const rules: readonly Rule[] = [
  { kind: 'BigInt', files: everywhere, finds: (code) => /\b\d+n\b|\bBigInt\b|\bbigint\b|Big(?:Ui|I)nt64/.test(code) },
  { kind: 'library', files: everywhere, finds: (code) => /@noble\/curves|Unsafe\(|\.inv\(|\.precompute\(/.test(code) },
  { kind: 'branch', files: arithmetic, finds: branches },
  {
    kind: 'early exit',
    files: arithmetic,
    finds: (code) => /\.(?:some|every|find\w*|includes|\w*[iI]ndexOf)\(/.test(code),
  },
  { kind: 'division', files: arithmetic, finds: divides },
  {
    kind: 'lookup',
    files: arithmetic,
    finds: (code) => /\[[^\]]*\b(?:digit|bit|choice|byte|magnitude|sign|masks?|limb|value)\b[^\]]*\]/.test(code),
  },
  // An entry whose index is itself an entry of something.
  { kind: 'lookup', files: arithmetic, finds: (code) => /[\w)\]!]\[[^\][]*\w!?\[/.test(code) },
  // Machine code for these compares and jumps.
  { kind: 'comparison', files: arithmetic, finds: (code) => /\bMath\.(?:min|max|abs|sign)\(/.test(code) },
  { kind: 'text', files: computing, finds: (code) => /\.toString\(|\bparse(?:Int|Float)\(|ToHex\(|\bJSON\./.test(code) },
]

/** One line for every use that is not allowed, and for every allowance that nothing uses. */
export function checkSecretFlow(root: string): readonly string[] {
  const folder = join(root, 'src', 'crypto')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const sources = files.map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const)
  return secretFlowProblems(new Map(sources), allowed)
}

export function secretFlowProblems(
  sources: ReadonlyMap<string, string>,
  allowances: readonly Allowance[],
): readonly string[] {
  const unused = new Set(allowances)
  const problems = [...sources].flatMap(([file, source]) =>
    codeLines(source).flatMap(({ code, text, line }) => {
      const kinds = rules.filter((rule) => rule.files.test(file) && rule.finds(code)).map(({ kind }) => kind)
      const allowance = allowances.find((one) => one.file === file && one.code === text)
      if (kinds.length === 0) return []
      if (allowance === undefined) return [`src/crypto/${file}:${line}: ${kinds.join(', ')}, not allowed: ${text}`]
      unused.delete(allowance)
      return []
    }),
  )
  return [...problems, ...[...unused].map(({ file, code }) => `src/crypto/${file}: allowed but not there: ${code}`)]
}

/** Lines without comments and without what is inside string literals, but for names of packages. */
function codeLines(source: string): readonly Readonly<{ code: string; text: string; line: number }>[] {
  const bare = source.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
  return bare.split('\n').map((full, i) => {
    const text = full.replace(/(?<!:)\/\/.*$/, '').trim()
    const code = text.replace(/'[^'\n]*'|`[^`\n]*`/g, (literal) => (literal.startsWith("'@") ? literal : "''"))
    return { code, text, line: i + 1 }
  })
}

/** A branch whose condition is more than counters, sizes, or whether something is there. */
function branches(code: string): boolean {
  const [condition] = code.match(/(?<=\bif \()(?:[^()]|\([^()]*\))*(?=\))/) ?? []
  if (condition !== undefined) return !isPublic(condition)
  if (/\?\? 0\)?|\?\?=/.test(code)) return false // an index beyond the end; a table that is built at first use
  return /\b(?:while|switch)\b|(?<![?])\?(?![?.:])|&&|\|\||\?\?/.test(code)
}

function divides(code: string): boolean {
  const dividends = [...code.matchAll(/([\w.]+|\))\s*(?:%|(?<![<*])\/(?![*/]))/g)].map((match) => match[1] ?? '')
  return dividends.some((dividend) => !publicName.test(dividend))
}

function isPublic(condition: string): boolean {
  if (/^\w+ [!=]== undefined$/.test(condition)) return true
  const names = condition.split(/[^\w.]+/).filter((name) => name !== '')
  return names.every((name) => publicName.test(name))
}
