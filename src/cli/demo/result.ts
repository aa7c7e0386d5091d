/** What the demo found, in the form in which `--json` prints it. */
export type SignatureResult = Readonly<{ signers: readonly string[]; signature: string; recovery_id: number }>

export type DemoResult = Readonly<{
  public_key: string
  address: string
  message_hash: string
  signatures: readonly SignatureResult[]
  timings_ms: Readonly<{ keygen: number; signatures: readonly number[] }>
}>
