import { expect, test } from 'vitest'
import { undocumentedAndUnknown } from '../../../scripts/documented-variables.ts'

const problems = (source: string, page: string) => undocumentedAndUnknown([source], [source], new Map([['page.md', page]]))

test('variables that are read and documented are right', () => {
  const source = "z.object({ MPC_A: text, 'NATS_B': text }); env['MPC_C']; env[`${prefix}KEK`]; DATABASE_URL"
  expect(problems(source, '`MPC_A`, `NATS_B`, MPC_C, `MPC_KEK`, DATABASE_URL')).toEqual([])
})

test.each([
  ['in a schema', 'z.object({ MPC_A: text, MPC_AB: text })', 'MPC_AB is on no page of the docs'],
  ['by name', "env['MPC_AB']", 'MPC_AB is on no page of the docs'],
  ['with a prefix', 'env[`${prefix}AB`]', 'MPC_AB is on no page of the docs'],
])('one that is read %s must be on a page under its whole name', (_, source, problem) => {
  expect(problems(`${source} MPC_A`, '`MPC_A`, `…_AB`')).toEqual([problem])
})

test('what is only the beginning of names is none', () => {
  expect(problems("/^(MPC_TLS|NATS_NKEY)_/, keyEncryptionFromEnv(env, 'MPC_NEW_')", '')).toEqual([])
})

test('the new form of a documented variable needs no entry of its own', () => {
  expect(problems("'MPC_NEW_KEK' 'MPC_KEK'", '`MPC_KEK`')).toEqual([])
})

test('a variable on a page that nothing knows is found', () => {
  expect(problems("env['MPC_A']", '`MPC_A`, `MPC_OLD`')).toEqual(['page.md: there is no MPC_OLD'])
})
