import { createServer, type RequestListener, type Server } from 'node:http'
import { Server as TcpServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Bounds against clients that are slow, greedy or many; per thread. */
const HEADER_BYTES = 16 * 1024
const HEADERS_MS = 10_000
/** An image of 10 MiB at 1.5 Mbit/s. */
const REQUEST_MS = 60_000
/** Longer than a load balancer keeps its side open, so that it is not surprised by our closing. */
const KEEP_ALIVE_MS = 65_000
const IDLE_MS = 75_000
const CONNECTIONS_MAX = 10_000

/** An answer to bytes that never became a request. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const [status, reason, detail] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large', `Headers may have ${HEADER_BYTES} bytes in all.`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout', 'The request did not arrive in time.']
        : [400, 'Bad Request', 'This is not HTTP/1.1.']
  const body = JSON.stringify({ type: '/problems/bad-request', title: 'The request cannot be understood', status, detail })
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
}

/** An HTTP server with those bounds, not yet listening; what is not there in time is cut off with 408. */
export function makeServer(listener: RequestListener, { headersMs = HEADERS_MS, requestMs = REQUEST_MS } = {}): Server {
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES, headersTimeout: headersMs, requestTimeout: requestMs, keepAliveTimeout: KEEP_ALIVE_MS, connectionsCheckingInterval: 1_000, noDelay: true },
    listener
  )
  server.maxConnections = CONNECTIONS_MAX
  server.setTimeout(IDLE_MS)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket))
  return server
}

/**
 * Listens. On Linux several threads may listen on the same port; the system spreads connections over them. Rejects when somebody
 * else has the port.
 */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, reusePort: process.platform === 'linux' && port !== 0 }, () => {
      server.off('error', reject)
      server.on('error', () => {}) // one connection that could not be accepted; its client sees it
      resolve()
    })
  })
}

/** How long a draining server leaves connections open that nobody uses: a proxy in front closes them itself (nginx after 2 s), and none under a request. */
const RELEASE_MS = 2_500
const LOOK_MS = 20

const connections = (server: Server): Promise<number> => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))

/**
 * Stops taking connections, lets clients close those that are idle, lets what is under way be answered, and cuts
 * what is left after `patienceMs`. Whoever answers meanwhile sends `Connection: close` (`closing` of `send`).
 */
export async function drain(server: Server, patienceMs: number): Promise<void> {
  if (!server.listening) return
  const from = performance.now()
  const closed = new Promise((resolve) => server.once('close', resolve))
  TcpServer.prototype.close.call(server) // of an HTTP server it would close idle connections at once
  while ((await connections(server)) > 0 && performance.now() - from < Math.min(RELEASE_MS, patienceMs)) await sleep(LOOK_MS)
  const cut = setTimeout(() => server.closeAllConnections(), Math.max(0, patienceMs - (performance.now() - from)))
  const idle = setInterval(() => server.closeIdleConnections(), LOOK_MS)
  await closed
  clearTimeout(cut)
  clearInterval(idle)
}
