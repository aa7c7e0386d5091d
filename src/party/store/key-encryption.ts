/**
 * What a store needs of a key-management service: its data keys encrypted under a key that need not leave the service,
 * with associated data and key versions. The service is asked when a store is opened or rewrapped, never for a record.
 */

/** As it lies in a key file. Public. */
export type WrappedKey = Readonly<{
  /** Which key-encryption key. */
  wrappedBy: string
  /** Of that key. */
  keyVersion: number
  /** In the form of its service. */
  ciphertext: string
}>

export interface KeyEncryption {
  /** Which key it is, the same for all its versions. Public. */
  readonly keyId: string
  /** Under the newest version. `context` is authenticated. @throws ConfigurationError when the service refuses. */
  wrap(dataKey: Uint8Array, context: Uint8Array): Promise<WrappedKey>
  /**
   * 32 bytes, to be wiped after use; null where `wrapped` was not made by this key for this context.
   * @throws ConfigurationError when the service cannot be asked.
   */
  unwrap(wrapped: WrappedKey, context: Uint8Array): Promise<Uint8Array | null>
  /** The key's own 32 bytes, which sealed the records of version 1; null where they never leave the service. */
  directKey(): Uint8Array | null
  /** Wipes what it holds. */
  close(): void
}
