/**
 * GET /openapi.json, and a page to browse it and try it out at /docs: Swagger UI from its package, nothing from
 * elsewhere. Files are read when somebody first asks for them, and sent in pieces at the speed of the client: anybody
 * may ask, and one that does not read what it asked for holds one piece and not a file.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Context, Hono } from 'hono'

const { resolve } = createRequire(import.meta.url)

/** Scripts and styles of this server only. Swagger UI draws its icons from data: images. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const pageHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
}

/** `document` is the name of one in docs/openapi. */
export function addOpenApiRoutes(app: Hono, service: string, document: string): void {
  const file = new URL(`../../docs/openapi/${document}.json`, import.meta.url)
  addFile(app, '/openapi.json', file, 'application/json')
  app.get('/docs', (context) => send(context, page(service), 'text/html; charset=utf-8'))
  app.get('/docs/', (context) => context.redirect('../docs'))
  app.get('/docs/start.js', (context) => send(context, startScript, 'text/javascript; charset=utf-8'))
  for (const [name, type] of Object.entries(swaggerFiles)) {
    addFile(app, `/docs/${name}`, resolve(`swagger-ui-dist/${name}`), type)
  }
}

const swaggerFiles: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** Paths are relative, so that the page works behind a proxy that puts the service under a prefix. */
const page = (service: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${service} API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

/** No validator badge: it would show the document to a foreign host. Credentials stay in the page's memory. */
const startScript = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  validatorUrl: null,
  persistAuthorization: false,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  deepLinking: true,
})
`

function addFile(app: Hono, path: string, file: string | URL, type: string): void {
  let content: Uint8Array | null = null
  app.get(path, async (context) => {
    content ??= await readFile(file)
    return send(context, inPieces(content), type)
  })
}

/** Views of `bytes`, made when the client has taken the one before. */
function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream(
    {
      pull: (stream) => {
        if (sent < bytes.length) stream.enqueue(bytes.subarray(sent, (sent += pieceBytes)))
        else stream.close()
      },
    },
    { highWaterMark: 0 },
  )
}

const pieceBytes = 65_536

function send(context: Context, body: string | ReadableStream, type: string): Response {
  return context.body(body, 200, { ...pageHeaders, 'content-type': type })
}
