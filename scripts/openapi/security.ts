/** Which credential an operation asks for (docs/api.md, "Credentials"). In open mode none is needed. */
import type { Schema } from './schema.ts'

type Credential = 'apiKey' | 'partyCredential'

const openMode: Schema = {}

/** What is not listed wants an API key. */
const credentials: Readonly<Record<string, readonly Credential[]>> = {
  // The join token in the request is the credential.
  'mpc.coordinator.v1.SessionCoordinator.JoinSession': [],
  'mpc.coordinator.v1.SessionCoordinator.GetSessionStatus': ['apiKey', 'partyCredential'],
  'mpc.coordinator.v1.SessionLog.ListSessionEvents': ['apiKey', 'partyCredential'],
  'mpc.coordinator.v1.SessionCoordinator.StartSession': ['apiKey', 'partyCredential'],
  'mpc.coordinator.v1.SessionCoordinator.MarkPartyReady': ['partyCredential'],
  'mpc.coordinator.v1.SessionCoordinator.ReportCompletion': ['partyCredential'],
  'mpc.router.v1.MessageRouter.RouteMessage': ['partyCredential'],
  'mpc.router.v1.MessageRouter.SubscribeMessages': ['partyCredential'],
  'mpc.router.v1.MessageRouter.GetPendingMessages': ['partyCredential'],
  'mpc.router.v1.MessageRouter.CreateSubscriptionTicket': ['partyCredential'],
}

export function securityOf(service: string, method: string): Schema[] {
  const wanted = credentials[`${service}.${method}`] ?? ['apiKey']
  return wanted.length === 0 ? [] : [...wanted.map((credential) => ({ [credential]: [] })), openMode]
}
