/** Where a party writes what an operator should know. A pino logger is one. */
export type PartyLog = Readonly<{
  info: (fields: Readonly<Record<string, unknown>>, message: string) => void
  warn: (fields: Readonly<Record<string, unknown>>, message: string) => void
  error: (fields: Readonly<Record<string, unknown>>, message: string) => void
}>

export const silentLog: PartyLog = { info: () => {}, warn: () => {}, error: () => {} }
