// `npm run repl`: a console of the running node. It is a process with a broker of its own, which visits the node through its local
// socket, or, where NATS_URL is set, all nodes that meet there; so it has its own terminal, history and end, and nothing that is typed here can end the node.
import nodeRepl, { type REPLServer, type ReplOptions } from 'node:repl'
import { Readable } from 'node:stream'
import type { ServiceBroker } from 'moleculer'
import startRepl from 'moleculer-repl'
import { setting } from '../mixins/settings/settings.ts'
import { natsPlace, type NatsPlace } from '../mixins/transport/nats.ts'
import { commands } from './repl-commands.ts'
import { visit, visitNats } from './visit.ts'

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

/** The nodes at these NATS servers, or the one on the data directory. */
async function join(place: NatsPlace | null): Promise<{ broker: ServiceBroker; node: string }> {
  if (place) return { broker: await visitNats(place), node: 'souk' }
  const visited = await visit(setting('SOUK_DATA_DIR'))
  visited.socket.on('close', () => {
    console.error('\nsouk: the node ended')
    process.exit(1)
  })
  return visited
}

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  const named = args[0] === '--data-dir'
  if (named) process.env['SOUK_DATA_DIR'] = args.splice(0, 2)[1]
  const { broker, node } = await join(named ? null : natsPlace())
  const end = async (): Promise<void> => {
    await broker.stop()
    process.exit(0)
  }
  const isTerminal = process.stdin.isTTY && args.length === 0
  if (isTerminal) console.log('Type "help" for the commands; actors, threads, outbox and saga are Souk\'s own. Ctrl-D ends this console, not the node.')
  const input = args.length > 0 ? Readable.from([`${args.join(' ')}\n`]) : isTerminal ? undefined : process.stdin
  startInTurn(broker, `${node} $`, input, end)
}

await main().catch((error: Error) => {
  console.error(`souk: ${error.message}`)
  process.exit(1)
})
