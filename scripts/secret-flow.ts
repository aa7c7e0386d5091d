/**
 * Keeps secrets in src/crypto out of code whose time depends on values: BigInt, library calls, branches, loops, early
 * exits, divisions and table lookups. No type says what is secret, so whatever is not seen to be public counts
 * (public-values.ts), and every use that is meant is in `allowed` with its reason. Looks at one file at a time: what is
 * passed to a parameter with the name of a position is taken for one. What it recognises is a lower bound, for review
 * to start from.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'
import { childrenOf, isNode, nodeAt, PublicValues, type Node } from './public-values.ts'
import { allowed, type Allowance } from './secret-flow-allowed.ts'

/** Where a rule applies, by path below src/crypto. */
const everywhere = /^(?!reference\/)/ // which is for tests
/** Fast arithmetic for public values. Whoever calls it (`…Public`) says in `allowed` why they are public. */
const ofPublicValues = /\/public-(?:inverse|multiple)\.ts$/
/** Rounds branch on what their checks say, which the party tells; what they compute with is here. */
const arithmetic = /^(limbs|symmetric|curve|ot)\/|^(bytes|rvole|polynomial|schnorr|hash)\.ts$/
const computing = /^(limbs|symmetric|curve|ot|sign|keygen)\/|^(bytes|rvole|polynomial|schnorr|hash)\.ts$/

const earlyExits = /^(?:some|every|find\w*|includes|\w*[iI]ndexOf)$/
const positional = /^(?:at|charAt|charCodeAt|codePointAt|get|slice|subarray|copyWithin)$/

type Rule = Readonly<{ kind: string; files: RegExp; finds: (node: Node, values: PublicValues) => boolean }>

const rules: readonly Rule[] = [
  { kind: 'BigInt', files: everywhere, finds: isBigInt },
  { kind: 'library', files: everywhere, finds: isLibrary },
  { kind: 'branch', files: arithmetic, finds: (node, values) => decides(node).some((one) => !values.isPublic(one)) },
  { kind: 'early exit', files: arithmetic, finds: (node) => earlyExits.test(methodOf(node)) },
  { kind: 'division', files: arithmetic, finds: (node, values) => operands(node).some((one) => !values.isPublic(one)) },
  { kind: 'lookup', files: arithmetic, finds: (node, values) => indices(node).some((one) => !values.isPublic(one)) },
  // Machine code for these compares and jumps.
  { kind: 'comparison', files: arithmetic, finds: (node, values) => isComparison(node) && !values.isPublic(node) },
  { kind: 'text', files: computing, finds: isText },
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
    findings(file, source).flatMap(({ kinds, line, text }) => {
      const allowance = allowances.find((one) => one.file === file && one.code === text)
      if (allowance === undefined) return [`src/crypto/${file}:${line}: ${kinds.join(', ')}, not allowed: ${text}`]
      unused.delete(allowance)
      return []
    }),
  )
  return [...problems, ...[...unused].map(({ file, code }) => `src/crypto/${file}: allowed but not there: ${code}`)]
}

type Finding = Readonly<{ line: number; text: string; kinds: readonly string[] }>

/** What the rules find, by line: where the node that they find begins. */
function findings(file: string, source: string): readonly Finding[] {
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0 || !isNode(program)) throw new Error(`src/crypto/${file} does not parse`)
  const values = new PublicValues(program)
  const applying = ofPublicValues.test(file) ? [] : rules.filter((rule) => rule.files.test(file))
  const found = new Map<number, Set<string>>()
  const visit = (node: Node): void => {
    for (const rule of applying) {
      if (!rule.finds(node, values)) continue
      const line = source.slice(0, node.start).split('\n').length
      found.set(line, (found.get(line) ?? new Set()).add(rule.kind))
    }
    for (const child of childrenOf(node)) visit(child)
  }
  visit(program)
  const lines = source.split('\n')
  return [...found].sort(([a], [b]) => a - b).map(([line, kinds]) => {
    return { line, kinds: [...kinds], text: (lines[line - 1] ?? '').replace(/(?<!:)\/\/.*$/, '').trim() }
  })
}

/** The expressions whose value decides what is executed next. */
function decides(node: Node): readonly Node[] {
  const parts = (...fields: string[]) => fields.flatMap((field) => nodeAt(node, field) ?? [])
  switch (node.type) {
    case 'IfStatement':
    case 'ConditionalExpression':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'ForStatement':
      return parts('test')
    case 'SwitchStatement':
      return parts('discriminant')
    case 'LogicalExpression':
      // `list[i] ?? 0`: whether the index is inside. Otherwise the left side decides whether the right one is computed.
      return node.operator === '??' && isEntry(nodeAt(node, 'left')) ? [] : parts('left')
    case 'AssignmentExpression':
      return /^(?:&&|\|\|)=$/.test(String(node.operator)) ? parts('left') : [] // `??=`: made at first use
    case 'ForInStatement':
      return parts('right')
    default:
      return node.optional === true ? parts('object', 'callee') : []
  }
}

function isEntry(node: Node | undefined): boolean {
  return node?.type === 'MemberExpression' && node.computed === true
}

/** The operands of a division; its time depends on both. */
function operands(node: Node): readonly Node[] {
  const isDivision =
    (node.type === 'BinaryExpression' && /^(?:\/|%|\*\*)$/.test(String(node.operator))) ||
    (node.type === 'AssignmentExpression' && /^(?:\/|%|\*\*)=$/.test(String(node.operator)))
  return isDivision ? [nodeAt(node, 'left'), nodeAt(node, 'right')].filter(isNode) : []
}

/** The positions that are read or written. */
function indices(node: Node): readonly Node[] {
  if (isEntry(node)) return [nodeAt(node, 'property')].filter(isNode)
  return positional.test(methodOf(node)) ? argumentsOf(node) : []
}

function isComparison(node: Node): boolean {
  return objectOf(node) === 'Math' && /^(?:min|max|abs|sign)$/.test(methodOf(node))
}

function isBigInt(node: Node): boolean {
  if (node.type === 'TSBigIntKeyword') return true
  if (node.type === 'Literal') return typeof node.value === 'bigint' || 'bigint' in node
  return node.type === 'Identifier' && /^BigInt$|Big(?:Ui|I)nt64/.test(String(node.name))
}

function isLibrary(node: Node): boolean {
  if (node.type === 'ImportDeclaration' || node.type === 'ImportExpression') {
    // A type runs nothing.
    return node.importKind !== 'type' && String(nodeAt(node, 'source')?.value).startsWith('@noble/curves')
  }
  return /Unsafe$|Public$|^inv$|^precompute$/.test(methodOf(node)) || isFrostCall(node)
}

/** `frost` is @noble/curves's implementation wherever it is called. */
function isFrostCall(node: Node): boolean {
  if (node.type !== 'CallExpression') return false
  let part = nodeAt(node, 'callee')
  while (part?.type === 'MemberExpression') {
    part = nodeAt(part, 'object')
    const name = part?.type === 'MemberExpression' ? nodeAt(part, 'property')?.name : part?.name
    if (name === 'frost') return true
  }
  return false
}

function isText(node: Node): boolean {
  return /^toString$|^parse(?:Int|Float)$|ToHex$/.test(methodOf(node)) || objectOf(node) === 'JSON'
}

/** The name of the method or function that is called, '' for anything that is no call. */
function methodOf(node: Node): string {
  if (node.type !== 'CallExpression') return ''
  const callee = nodeAt(node, 'callee')
  const named = callee?.type === 'MemberExpression' ? nodeAt(callee, 'property') : callee
  return String(named?.name ?? '')
}

/** What the method that is called belongs to, '' where it is no name. */
function objectOf(node: Node): string {
  const callee = node.type === 'CallExpression' ? nodeAt(node, 'callee') : undefined
  return callee?.type === 'MemberExpression' ? String(nodeAt(callee, 'object')?.name ?? '') : ''
}

function argumentsOf(call: Node): readonly Node[] {
  return Array.isArray(call.arguments) ? call.arguments.filter(isNode) : []
}
