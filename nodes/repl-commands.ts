import type { ServiceBroker } from 'moleculer'

interface Helpers {
  table(rows: readonly (readonly unknown[])[]): string
}

interface Command {
  command: string
  description: string
  alias?: string[]
  action(broker: ServiceBroker, args: Record<string, string | undefined>, helpers: Helpers): Promise<void>
}

type Row = Record<string, unknown>

const cell = (value: unknown): string => {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(2)
  return Array.isArray(value) ? value.map(cell).join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Rows of the same fields as a table. */
function show(rows: readonly Row[], { table }: Helpers, none: string): void {
  if (rows.length === 0) return console.log(none)
  const names = Object.keys(rows[0]!)
  console.log(table([names, ...rows.map((row) => names.map((name) => cell(row[name])))]).trimEnd())
}

/** Asks every broker that provides the action; those that fail are named and left out. */
async function askAll<R>(broker: ServiceBroker, action: string, params: object = {}): Promise<{ nodeID: string; answer: R }[]> {
  const list = broker.registry.getActionList({ withEndpoints: true }) as { name: string; endpoints?: { nodeID: string }[] }[]
  const nodes = list.find(({ name }) => name === action)?.endpoints?.map(({ nodeID }) => nodeID) ?? []
  if (nodes.length === 0) console.log(`nobody provides ${action}`)
  const answers = await Promise.all(
    nodes.map(async (nodeID) => {
      try {
        return { nodeID, answer: await broker.call<R, object>(action, params, { nodeID, timeout: 5_000 }) }
      } catch (error) {
        console.log(`${nodeID}: ${(error as Error).message}`)
        return null
      }
    })
  )
  return answers.filter((answer) => answer !== null)
}

/** Runs a command that asks one action; a refusal is a line, not a stack. */
async function asking(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    console.log((error as Error).message)
  }
}

export const commands: Command[] = [
  {
    command: 'threads',
    description: 'Threads of the node: state, load, restarts, services',
    async action(broker, _args, helpers) {
      const answers = await askAll<Row[]>(broker, '$operations.threads')
      show(answers.flatMap(({ answer }) => answer.map(({ nodeID, state, utilization, blockedMs, restarts, services }) => ({ broker: nodeID, state, load: utilization, blockedMs, restarts, services: wrapped(services as string[]) }))), helpers, 'no threads')
    }
  },
  {
    command: 'actors [type]',
    description: 'Actors that are active, thread by thread: how many of each type, or of one type the busiest keys',
    async action(broker, { type }, helpers) {
      const answers = await askAll<unknown>(broker, '$actor.list', type ? { type } : {})
      const rows = answers.flatMap(({ nodeID, answer }) =>
        rowsOf(answer).flatMap(({ keys, ...counts }): Row[] => (type ? rowsOf(keys).map((key) => ({ broker: nodeID, ...key })) : [{ broker: nodeID, ...counts }]))
      )
      show(rows, helpers, type ? `no ${type} is active` : 'no actor is active')
    }
  },
  {
    command: 'actor <type> <key>',
    description: 'One actor: its slot, and where it is active, with what is in memory there',
    async action(broker, { type, key }) {
      const answers = await askAll<{ slot: number; activation: unknown }>(broker, '$actor.inspect', { type, key })
      const active = answers.filter(({ answer }) => answer.activation !== null)
      if (active.length === 0) console.log(`${type}/${key} (slot ${answers[0]?.answer.slot}) is active nowhere`)
      for (const { nodeID, answer } of active) console.log(nodeID, pretty(answer))
    }
  },
  {
    command: 'outbox',
    description: 'What waits in every outbox to be sent to the log',
    async action(broker, _args, helpers) {
      const answers = await askAll<{ outboxes: Row[] }>(broker, 'relay.worker.status')
      show(answers.flatMap(({ nodeID, answer }) => answer.outboxes.map(({ lanes, ...outbox }) => ({ relay: nodeID, ...outbox, lanes: (lanes as number[]).length }))), helpers, 'no relay runs')
    }
  },
  {
    command: 'saga <orderId>',
    description: 'The checkout saga of an order: where it stands and what it waits for',
    action: (broker, { orderId }) => asking(async () => console.log(pretty(await broker.call('order.worker.saga', { orderId }))))
  }
]

const pretty = (value: unknown): string => JSON.stringify(value, null, 2)

const rowsOf = (answer: unknown): Row[] => (Array.isArray(answer) ? answer : ((answer as { items?: Row[] } | null)?.items ?? [])) as Row[]

/** A long list over several lines of a table's cell. */
function wrapped(names: readonly string[]): string {
  const lines = ['']
  for (const name of names) {
    if (`${lines.at(-1)}, ${name}`.length > 60) lines.push(name)
    else lines.push([lines.pop(), name].filter(Boolean).join(', '))
  }
  return lines.join('\n')
}
