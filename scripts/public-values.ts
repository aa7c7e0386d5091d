/**
 * Which expressions of a source file hold values that everybody may know, as far as its syntax tree shows: literals,
 * sizes, counters, and what is computed from these alone. Everything else counts as secret.
 */

/** A node of the ESTree tree that vite's parser makes. Its own types do not cover TypeScript's nodes. */
export type Node = Readonly<{ type: string; start: number; end: number }> & Readonly<Record<string, unknown>>

/** Sizes that the protocol fixes, wherever they are imported. */
const sizes = new Set([
  'blockBits',
  'columnCount',
  'digitCount',
  'elementLength',
  'group',
  'hashLength',
  'inputCount',
  'instances',
  'pointLength',
  'rowLength',
  'scalarLength',
  'seedLength',
  'transfers',
  'wideScalarLength',
  'width',
  'windows',
  'wordsPerElement',
  'wordsPerRow',
])
/** Parameters of these names are counters, positions or sizes in every function of src/crypto. */
const positions = new Set([
  '_',
  'at',
  'columnLength',
  'count',
  'from',
  'i',
  'index',
  'j',
  'length',
  'offset',
  'ones',
  'row',
  'rowLength',
  'stride',
  'times',
  'to',
  'top',
  'transfers',
])
/** Functions from sizes to a size. */
const sizeFunctions = new Set(['columnLength'])

/** A variable of a scope: what is ever assigned to it. `null` for a value that is not known to be public. */
type Variable = { readonly values: (Node | null)[]; readonly scope: Scope }
type Scope = Readonly<{ variables: Map<string, Variable>; outer: Scope | null }>

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

export function childrenOf(node: Node): readonly Node[] {
  return Object.values(node).flatMap((value: unknown) => (Array.isArray(value) ? value : [value]).filter(isNode))
}

export function nodeAt(node: Node, field: string): Node | undefined {
  const value = node[field]
  return isNode(value) ? value : undefined
}

const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const scoped = new Set([...functions, 'Program', 'BlockStatement', 'ForStatement', 'ForOfStatement', 'ForInStatement'])

/** Answers for every expression of a tree whether it is public. */
export class PublicValues {
  readonly #scopes = new Map<Node, Scope>()
  readonly #asked = new Set<Variable>()

  constructor(program: Node) {
    this.#declare(program, null)
    this.#assign(program)
  }

  isPublic(node: Node | undefined): boolean {
    if (node === undefined) return true
    const all = (...fields: string[]) => fields.every((field) => this.isPublic(nodeAt(node, field)))
    switch (node.type) {
      case 'Literal':
        return true
      case 'Identifier':
        return this.#isPublicName(node)
      case 'ParenthesizedExpression':
      case 'TSAsExpression':
      case 'TSNonNullExpression':
      case 'ChainExpression':
        return all('expression')
      case 'UnaryExpression':
      case 'UpdateExpression':
        return all('argument')
      case 'BinaryExpression':
        return isAbsence(node) || all('left', 'right')
      case 'LogicalExpression':
        return all('left', 'right')
      case 'AssignmentExpression':
        return all('right')
      case 'ConditionalExpression':
        return all('test', 'consequent', 'alternate')
      case 'MemberExpression':
        return node.computed !== true && nameOf(nodeAt(node, 'property')) === 'length'
      case 'CallExpression':
        return computesSize(node) && (node.arguments as readonly Node[]).every((one) => this.isPublic(one))
      case 'ArrayExpression':
        return (node.elements as readonly (Node | null)[]).every((one) => one !== null && this.isPublic(one))
      default:
        return false
    }
  }

  #isPublicName(node: Node): boolean {
    const name = nameOf(node)
    if (name === 'undefined') return true
    const variable = find(this.#scopes.get(node) ?? null, name)
    if (variable === undefined) return sizes.has(name)
    if (this.#asked.has(variable)) return true // in a circle: public if everything else that goes into it is
    this.#asked.add(variable)
    const known = variable.values.every((value) => value !== null && this.isPublic(value))
    this.#asked.delete(variable)
    return known
  }

  #declare(node: Node, outer: Scope | null): void {
    const scope = scoped.has(node.type) ? { variables: new Map<string, Variable>(), outer } : outer
    if (scope !== null) this.#scopes.set(node, scope)
    if (functions.has(node.type)) {
      for (const parameter of node.params as readonly Node[]) {
        const isPosition = parameter.type === 'Identifier' && positions.has(nameOf(parameter))
        for (const name of namesIn(parameter)) set(scope, name, isPosition ? [] : [null])
      }
    }
    if (node.type === 'VariableDeclaration') this.#declareVariables(node, scope)
    for (const child of childrenOf(node)) this.#declare(child, scope)
  }

  #declareVariables(node: Node, scope: Scope | null): void {
    for (const declarator of node.declarations as readonly Node[]) {
      const [id, init] = [nodeAt(declarator, 'id'), nodeAt(declarator, 'init')]
      if (id === undefined) continue
      const first = id.type === 'Identifier' && init !== undefined ? [init] : [null]
      for (const name of namesIn(id)) set(scope, name, first)
    }
  }

  #assign(node: Node): void {
    const target = nodeAt(node, 'left')
    if (node.type === 'AssignmentExpression' && target !== undefined) {
      for (const name of namesIn(target)) {
        const value = target.type === 'Identifier' ? (nodeAt(node, 'right') ?? null) : null
        find(this.#scopes.get(node) ?? null, name)?.values.push(value)
      }
    }
    if (node.type === 'ForOfStatement' && target?.type === 'VariableDeclaration') this.#assignItems(node, target)
    for (const child of childrenOf(node)) this.#assign(child)
  }

  /** `for (const x of [0, 1])`: what is in the list. */
  #assignItems(loop: Node, declaration: Node): void {
    const list = nodeAt(loop, 'right') ?? null
    const scope = this.#scopes.get(loop) ?? null
    for (const declarator of declaration.declarations as readonly Node[]) {
      const id = nodeAt(declarator, 'id')
      if (id?.type === 'Identifier') set(scope, nameOf(id), [list])
    }
  }
}

/** `x === undefined`, `x !== undefined`: whether something is there is up to the caller, not to what it holds. */
function isAbsence(node: Node): boolean {
  const isUndefined = (side: Node | undefined) => side?.type === 'Identifier' && nameOf(side) === 'undefined'
  const isSame = /^[!=]==$/.test(String(node.operator))
  return isSame && (isUndefined(nodeAt(node, 'right')) || isUndefined(nodeAt(node, 'left')))
}

function computesSize(call: Node): boolean {
  const callee = nodeAt(call, 'callee')
  if (callee?.type === 'MemberExpression') return nameOf(nodeAt(callee, 'object')) === 'Math'
  return sizeFunctions.has(nameOf(callee))
}

function nameOf(node: Node | undefined): string {
  return node !== undefined && typeof node.name === 'string' ? node.name : ''
}

/** All names that a pattern binds. */
function namesIn(pattern: Node): readonly string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [nameOf(pattern)]
    case 'MemberExpression':
      return []
    case 'Property':
      return namesOf(pattern, 'value')
    case 'AssignmentPattern':
      return namesOf(pattern, 'left')
    case 'RestElement':
      return namesOf(pattern, 'argument')
    default:
      return childrenOf(pattern).flatMap(namesIn)
  }
}

function namesOf(node: Node, field: string): readonly string[] {
  const part = nodeAt(node, field)
  return part === undefined ? [] : namesIn(part)
}

function set(scope: Scope | null, name: string, values: readonly (Node | null)[]): void {
  scope?.variables.set(name, { values: [...values], scope })
}

function find(scope: Scope | null, name: string): Variable | undefined {
  for (let at = scope; at !== null; at = at.outer) {
    const variable = at.variables.get(name)
    if (variable !== undefined) return variable
  }
  return undefined
}
