import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const KEEP_ALIVE_MS = 60_000
/** Every answer, those of a login included, begins with its length. */
const LENGTH_BYTES = 4

/** As the package itself does it. */
const plain: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const socket = ssl ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect) : connect({ host, port }, onConnect)
  return socket.setKeepAlive(true, KEEP_ALIVE_MS)
}

/** Hands on whole answers alone, as many at once as have come; what is left of a broken one is dropped with it. */
export function whole(take: (answers: Buffer) => void): (bytes: Buffer) => void {
  let chunks: Buffer[] = []
  let bytes = 0
  let needed = LENGTH_BYTES
  return (chunk) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes < needed) return
    const come = chunks.length > 1 ? Buffer.concat(chunks) : chunk
    let end = 0
    for (needed = LENGTH_BYTES; come.length - end >= LENGTH_BYTES; end += needed) {
      needed = LENGTH_BYTES + come.readUInt32BE(end)
      if (come.length - end < needed) break
    }
    if (come.length - end < LENGTH_BYTES) needed = LENGTH_BYTES
    const rest = come.subarray(end)
    chunks = rest.length > 0 ? [rest] : []
    bytes = rest.length
    if (end > 0) take(come.subarray(0, end))
  }
}

/**
 * Sockets whose reader sees whole answers only. The package's own connection keeps the half of an answer when its socket breaks off, puts the answers
 * of its next socket behind it, and then throws where nobody can catch it, or waits for ever (kafkajs, issue 715).
 */
export const socketsOfWholeAnswers = (open: ISocketFactory = plain): ISocketFactory => (place) => {
  const socket = open(place)
  const on = socket.on.bind(socket) as (event: string, listener: (...args: never[]) => void) => Socket
  socket.on = ((event: string, listener: (answers: Buffer) => void) => on(event, event === 'data' ? whole(listener) : listener)) as Socket['on']
  return socket
}
