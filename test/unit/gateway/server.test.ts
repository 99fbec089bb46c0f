import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { makeServer } from '../../../services/gateway/server.ts'

let server: Server
let heard = 0
afterEach(() => void server.close())

/** What a client hears that begins with `head` and then sends a byte now and then, for ever. */
async function dribble(head: string): Promise<string> {
  server = makeServer((req, res) => {
    req.on('error', () => {})
    req.resume().on('end', () => {
      heard++
      res.end('done')
    })
  }, { headersMs: 300, requestMs: 600 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(head)
  const drops = setInterval(() => socket.write('a'), 50)
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.on('error', () => {})
  await once(socket, 'close')
  clearInterval(drops)
  return answer
}

describe('a client that is slow on purpose is cut off', () => {
  test.each([
    ['in its headers', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    ['in its body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n'],
    ['in a body of chunks', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nffff\r\n']
  ])('%s', async (_where, head) => {
    const answer = await dribble(head)
    expect(answer).toMatch(/^HTTP\/1.1 408 Request Timeout[\s\S]*application\/problem\+json/)
    expect(heard).toBe(0)
  })
})
