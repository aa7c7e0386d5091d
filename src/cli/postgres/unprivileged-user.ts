/** PostgreSQL refuses to run as root: the account it runs under instead, and what that account can reach. */
import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { StartupError } from '../startup-error.ts'

export type User = Readonly<{ uid: number; gid: number }>

/** null where we are not root and everything runs as ourselves. */
export function unprivilegedUser(): User | null {
  if (process.getuid?.() !== 0) return null
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const account = accounts.find((fields) => fields[0] === name)
    if (account !== undefined) return { uid: Number(account[2]), gid: Number(account[3]) }
  }
  throw new StartupError('PostgreSQL does not run as root, and there is no account "postgres" or "nobody" for it')
}

/** Whether `user` may enter `folder` and every folder above it. */
export function canReach(user: User, folder: string): boolean {
  const { uid, gid, mode } = statSync(folder)
  const executeBit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  const parent = dirname(folder)
  return (mode & executeBit) !== 0 && (parent === folder || canReach(user, parent))
}
