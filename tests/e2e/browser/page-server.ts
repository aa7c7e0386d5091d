/** The page, bundled as an application would bundle it and served under a content security policy. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'

const pageFolder = fileURLToPath(new URL('./page', import.meta.url))

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
}

/** No inline script, no eval, no blob workers; calls to loopback only. */
const policy =
  "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src http://127.0.0.1:* ws://127.0.0.1:*"

/**
 * What is bundled for a browser may not need Node; Vite alone would put an empty module in its place. Libraries that
 * ask for one only where WebCrypto is missing do so by a dynamic import, which never runs here.
 */
const refuseNode: Plugin = {
  name: 'refuse-node',
  enforce: 'pre',
  resolveId: (source, importer, { kind }) => {
    if (!isBuiltin(source) || kind === 'dynamic-import') return
    throw new Error(`${importer} imports ${source}: a browser has none`)
  },
}

export type Bundle = Readonly<{ folder: string; remove: () => Promise<void> }>

/** `root`: the folder of an index.html. */
export async function bundlePage(root: string = pageFolder): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-page-'))
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [refuseNode],
    worker: { format: 'es', plugins: () => [refuseNode] },
    build: { outDir: folder, emptyOutDir: true },
  })
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

export type PageServer = Readonly<{ origin: string; close: () => Promise<void> }>

/** Serves the bundle as an origin of its own. localhost is a secure context. */
export async function servePage({ folder }: Bundle, port: number): Promise<PageServer> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname)
    const file = path === '/' ? '/index.html' : path
    readFile(join(folder, file)).then(
      (content) => {
        const type = contentTypes[extname(file)] ?? 'application/octet-stream'
        response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(content)
      },
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, 'localhost', resolve)
  })
  return {
    origin: `http://localhost:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
