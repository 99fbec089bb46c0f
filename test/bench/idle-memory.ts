import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { processes } from '../soak/look.ts'
import { temporaryDirectory } from '../support/node-process.ts'
import type { IdleMemory, Memory } from './report.ts'
import type { Inside, Startup } from './shop.ts'

/** After a start there is still something to do; then a shop is idle. */
const SETTLE_MS = 10_000

/** What ClickHouse's engine runs in; counted apart, for it starts at the first report. */
const APART = 'node child process'

function memoryOf(pid: number): Memory {
  const parts = Object.entries(processes(pid)).flatMap(([series, mib]): [string, number][] => (series.startsWith('memory/') ? [[series.slice('memory/'.length), mib]] : []))
  const counted = parts.filter(([name]) => name !== APART)
  return { parts: Object.fromEntries(counted), mib: counted.reduce((sum, [, mib]) => sum + mib, 0), apartMib: parts.find(([name]) => name === APART)?.[1] ?? 0 }
}

async function bareMemory(): Promise<Memory> {
  const child = fork(fileURLToPath(new URL('bare-engines.ts', import.meta.url)), [join(temporaryDirectory(), 'postgres')])
  await once(child, 'message')
  await sleep(SETTLE_MS / 5)
  const memory = memoryOf(child.pid!)
  child.disconnect()
  await once(child, 'exit')
  return memory
}

/** Memory of a shop that has nothing to do, beside a bare node with an idle PostgreSQL; null where the system does not tell. */
export async function idleMemory({ pid }: Inside, startup: Startup | null): Promise<IdleMemory | null> {
  await sleep(SETTLE_MS)
  const shop = memoryOf(pid)
  if (shop.mib === 0) return null
  return { when: startup ? `${SETTLE_MS / 1_000} s after its second start` : 'as it runs', shop, reference: { what: 'a bare node with an idle PostgreSQL', ...(await bareMemory()) } }
}
