/** The router's WebSocket: a streaming RPC, which google.api.http cannot map. OpenAPI knows the handshake only. */
import type { DescMethod } from '@bufbuild/protobuf'
import { fieldNamesOf } from '../../src/edge/field-names.ts'
import { subprotocol, webSocketPath } from '../../src/router/websocket.ts'
import type { DocumentedExamples } from './documented-examples.ts'
import { requiredFields } from './field-rules.ts'
import { examplesOf } from './operations.ts'
import { descriptionOf } from './proto-files.ts'
import { fieldSchema, type Components, type Schema } from './schema.ts'
import { securityOf } from './security.ts'
import { refusals } from './shared-parts.ts'

export function webSocketPaths(method: DescMethod, { refer }: Components, documented: DocumentedExamples): Schema {
  const names = fieldNamesOf(method.parent)
  const required = requiredFields(method.input)
  const [example] = examplesOf(method.parent.typeName, method.name, documented)
  const parameters = method.input.fields.map((field) => {
    const description = descriptionOf(field)
    return {
      name: field.name,
      in: 'query',
      required: required.has(field.name),
      ...(description !== undefined && { description }),
      schema: fieldSchema(field, names, 'request', refer),
    }
  })
  const ticket = {
    name: 'Sec-WebSocket-Protocol',
    in: 'header',
    description: `Of a browser, which cannot send a credential: "${subprotocol}" and a ticket.`,
    schema: { type: 'string' },
  }
  return {
    [webSocketPath]: {
      get: {
        operationId: method.name,
        tags: [method.parent.name],
        summary: 'Subscribe to messages (WebSocket)',
        description: [
          descriptionOf(method) ?? '',
          'A WebSocket handshake (RFC 6455). Each text frame of the router is one message as JSON.',
          'What it closes with, and when, is in docs/api.md.',
        ].join(' '),
        security: securityOf(method),
        parameters: [...parameters, ticket],
        responses: {
          101: {
            description: 'The WebSocket is open. Each frame has this content.',
            content: {
              'application/json': {
                schema: refer(method.output, names, 'answer'),
                ...(example?.response !== undefined && { example: example.response }),
              },
            },
          },
          ...refusals([400, 401, 403, 404, 429, 500, 503]),
        },
      },
    },
  }
}
