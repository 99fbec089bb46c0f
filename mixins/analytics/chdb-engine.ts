// The process that owns the ClickHouse engine of one data folder. A process of its own and not a thread: the engine is native code
// that may end its process, keeps what memory it has taken, and wants its path for itself. It ends with its parent.
import { createRequire } from 'node:module'
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineAnswer, EngineRequest } from './chdb-process.ts'

/** The part of chdb's API that is used here. */
interface Session {
  queryAsync(sql: string): Promise<unknown>
  queryBindAsync(sql: string, params: object, options: { format: string }): Promise<{ text(): string }>
  insert(insert: { table: string; values: Uint8Array; format: 'JSONEachRow' }): Promise<unknown>
  close(): void
}

const NICENESS = 10
const OPEN_TRIES = 50

const SETTINGS = [
  '--max_threads=2',
  '--max_insert_threads=1',
  '--max_memory_usage=1000000000',
  '--max_execution_time=30',
  '--background_pool_size=2',
  '--output_format_json_quote_64bit_integers=0',
  '--date_time_input_format=best_effort'
]

const [, , packageDir, dataDir] = process.argv as [string, string, string, string]
const say = (message: EngineAnswer): void => void process.send?.(message)

/** The engine of a parent that has just died may still hold the folder. */
async function open(): Promise<Session> {
  const chdb = createRequire(`${packageDir}/`)('chdb') as { Session: new (path: string, options: { connectionArgs: string[] }) => Session }
  for (let i = 1; ; i++) {
    try {
      return new chdb.Session(dataDir, { connectionArgs: SETTINGS })
    } catch (error) {
      if (i === OPEN_TRIES) throw error
      await sleep(200)
    }
  }
}

async function answer(session: Session, request: EngineRequest): Promise<unknown> {
  switch (request.op) {
    case 'run':
      return void (await session.queryAsync(request.sql))
    case 'insert':
      return void (await session.insert({ table: request.table, values: request.rows, format: 'JSONEachRow' }))
    case 'query': {
      const result = await session.queryBindAsync(request.sql, request.params, { format: 'JSONEachRow' })
      return result.text().split('\n').filter(Boolean).map((line) => JSON.parse(line) as unknown)
    }
  }
}

try {
  setPriority(NICENESS) // the shop comes first
} catch {
  // not allowed here: it runs like others
}
process.on('disconnect', () => process.exit(0))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}) // sent to the whole group: the parent says when

try {
  const session = await open()
  let underWay: Promise<unknown> = Promise.resolve() // one thing after the other
  process.on('message', (request: EngineRequest) => {
    if (request.op === 'close') {
      void underWay.then(() => {
        session.close()
        process.exit(0)
      })
      return
    }
    underWay = underWay.then(() => answer(session, request)).then(
      (value) => say({ id: request.id, value }),
      (error: Error) => say({ id: request.id, error: error.message })
    )
  })
  say({ id: 0, value: 'ready' })
} catch (error) {
  say({ id: 0, error: (error as Error).message })
  process.exitCode = 1
  process.disconnect?.()
}
