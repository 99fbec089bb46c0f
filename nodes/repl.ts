// `npm run repl`: a console of the running node. It is a process with a broker of its own, which visits the node through its local
// socket; so it has its own terminal, history and end, and nothing that is typed here can end the node.
import { EventEmitter, once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import nodeRepl, { type REPLServer, type ReplOptions } from 'node:repl'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceBroker } from 'moleculer'
import startRepl from 'moleculer-repl'
import { setting } from '../mixins/settings/settings.ts'
import { Mesh, MeshTransporter, type Link, type MeshMessage } from '../mixins/transport/mesh.ts'
import { brokerOptions } from '../moleculer.config.ts'
import { socketPath } from './data-directory.ts'
import { readFrames, writeFrame, type Frame } from './frames.ts'
import { commands } from './repl-commands.ts'

type Hello = Extract<Frame, { type: 'hello' }>

/** The far end of a channel that runs over the socket. */
class SocketLink extends EventEmitter implements Link {
  readonly #send: (message: MeshMessage) => void
  constructor(send: (message: MeshMessage) => void) {
    super()
    this.#send = send
  }
  postMessage(message: MeshMessage): void {
    this.#send(message)
  }
  close(): void {}
}

async function connect(dir: string): Promise<Socket> {
  const socket = createConnection(socketPath(dir))
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'EACCES' ? 'the node there belongs to another user' : 'no node runs there: start one with npm start'
    throw new Error(`${dir}: ${why}, or name another directory with --data-dir`, { cause: error })
  }
}

/** Keeps the mesh as the node says: who is there, and what they send. */
function follow(socket: Socket, mesh: Mesh): Promise<Hello> {
  const links = new Map<string, SocketLink>()
  return new Promise((resolve) => {
    readFrames(socket, (frame) => {
      if (frame.type === 'hello') return resolve(frame)
      const { nodeID } = frame
      if (frame.type === 'packet') return links.get(nodeID)?.emit('message', frame.message)
      if (frame.type === 'gone') return links.get(nodeID)?.emit('close')
      const link = new SocketLink((message) => writeFrame(socket, { type: 'packet', nodeID, message }))
      links.set(nodeID, link)
      mesh.add(nodeID, link)
    })
  })
}

const PATIENCE_MS = 5_000

/** Waits until the brokers of the node have said what they provide; a blocked one is not waited for long. */
async function meet(broker: ServiceBroker, nodeIDs: readonly string[]): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  const isKnown = (nodeID: string): boolean => broker.registry.nodes.get(nodeID)?.available === true
  while (!nodeIDs.every(isKnown) && performance.now() < deadline) await sleep(20)
}

/**
 * Starts moleculer-repl with what it does not do by itself: it leaves its evaluator's `this` to Node, which no longer sets it; it
 * evaluates lines as they come, where ours run one after another; and it knows no other input than the terminal.
 */
function startInTurn(broker: ServiceBroker, delimiter: string, input: ReplOptions['input'], end: () => Promise<void>): void {
  const { start } = nodeRepl
  let last = Promise.resolve()
  nodeRepl.start = (given) => {
    const { eval: evaluate, ...options } = given as ReplOptions
    const server = start({
      ...options,
      ignoreUndefined: true,
      ...(input ? { input, output: process.stdout, terminal: false, prompt: '' } : {}),
      eval(line, context, file, done) {
        last = last.then(() => new Promise((resolve) => evaluate!.call(server, line, context, file, (error, result) => resolve(done(error, result)))))
      }
    })
    return server
  }
  const repl = startRepl(broker, { delimiter, customCommands: commands as never }) as REPLServer
  nodeRepl.start = start
  repl.removeAllListeners('exit')
  repl.on('exit', () => void last.then(end))
}

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  if (args[0] === '--data-dir') process.env['SOUK_DATA_DIR'] = args.splice(0, 2)[1]
  const socket = await connect(setting('SOUK_DATA_DIR'))
  const mesh = new Mesh()
  const { node, nodeID, nats } = await follow(socket, mesh)
  const broker = new ServiceBroker(brokerOptions({ nodeID, transporter: nats ? { type: 'NATS', options: { url: nats } } : new MeshTransporter(mesh) }))
  await broker.start()
  await meet(broker, nats ? [`${node}.main`] : [...mesh.peers])
  const end = async (): Promise<void> => {
    await broker.stop()
    process.exit(0)
  }
  socket.on('close', () => {
    console.error('\nsouk: the node ended')
    process.exit(1)
  })
  const isTerminal = process.stdin.isTTY && args.length === 0
  if (isTerminal) console.log('Type "help" for the commands; actors, threads, outbox and saga are Souk\'s own. Ctrl-D ends this console, not the node.')
  const input = args.length > 0 ? Readable.from([`${args.join(' ')}\n`]) : isTerminal ? undefined : process.stdin
  startInTurn(broker, `${node} $`, input, end)
}

await main().catch((error: Error) => {
  console.error(`souk: ${error.message}`)
  process.exit(1)
})
