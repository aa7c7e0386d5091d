/** The six services of the system and the ports that the API document gives them. */

export type ServiceName =
  | 'session-coordinator'
  | 'message-router'
  | 'account-service'
  | 'server-party-1'
  | 'server-party-2'
  | 'server-party-3'

/** The subcommand of `mpc` that runs a service. */
export type ServiceCommand = 'coordinator' | 'router' | 'party' | 'account'

export type Ports = Readonly<{ grpcPort: number; httpPort: number }>

export type ServiceSpec = Readonly<{ name: ServiceName; command: ServiceCommand; deviceId?: string } & Ports>

export const serviceSpecs: readonly ServiceSpec[] = [
  { name: 'session-coordinator', command: 'coordinator', grpcPort: 50051, httpPort: 8080 },
  { name: 'message-router', command: 'router', grpcPort: 50052, httpPort: 8081 },
  { name: 'server-party-1', command: 'party', deviceId: 'server_001', grpcPort: 50053, httpPort: 8082 },
  { name: 'server-party-2', command: 'party', deviceId: 'server_002', grpcPort: 50055, httpPort: 8084 },
  { name: 'server-party-3', command: 'party', deviceId: 'server_003', grpcPort: 50056, httpPort: 8085 },
  { name: 'account-service', command: 'account', grpcPort: 50054, httpPort: 8083 },
]

/** The others call these two, so they start first and stop last. */
export const coreServices: readonly ServiceName[] = ['session-coordinator', 'message-router']
