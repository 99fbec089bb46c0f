// A bare HTTP server that answers given bytes: what the machine and node:http can do without a shop. A process of its own.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers by `<method> <path>`. */
const answers = new Map<string, Buffer>()

const server = createServer((request, response) => {
  const body = answers.get(`${request.method} ${request.url}`)
  const answer = (): void => {
    if (!body) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length })
    response.end(body)
  }
  if (request.method === 'GET') return answer()
  request.on('end', answer).resume()
})

process.on('message', (given: [string, string][]) => {
  for (const [key, body] of given) answers.set(key, Buffer.from(body))
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
})
process.on('disconnect', () => process.exit(0))
