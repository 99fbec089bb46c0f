import { readFileSync } from 'node:fs'
import { Books, type AuditOptions } from './books.ts'
import { catalogue } from './catalogue.ts'
import { eventLog } from './events.ts'
import { Findings, type Finding, type Invariant, type Look } from './invariant.ts'
import { money } from './money.ts'
import { orderFiles } from './order-files.ts'
import { orders } from './orders.ts'
import { safety } from './safety.ts'
import { stock } from './stock.ts'

/** Every invariant that is read from the books, by number. */
export const INVARIANTS: readonly Invariant[] = [...stock, ...money, ...orders, ...eventLog, ...catalogue, ...safety].sort((a, b) => a.number - b.number)

/** What an invariant found, and the milliseconds it took beside the pass over the orders that all share. */
export interface Found {
  invariant: Invariant
  finding: Finding
  ms: number
}

export interface AuditReport {
  findings: Found[]
  violations: number
}

/**
 * Checks every invariant on the stores as they are: one pass over the orders for all of them, then what each has to look at beside.
 * `onFinding` sees each as it comes. Changes nothing. Time grows with the number of orders, memory does not. Rejects when a database
 * cannot be read.
 */
export async function audit(options: AuditOptions, onFinding: (found: Found) => void = () => {}): Promise<AuditReport> {
  const books = await Books.open(options)
  try {
    const looks = INVARIANTS.map((invariant) => {
      const found = new Findings()
      return { invariant, found, look: invariant.look(books, found) }
    })
    const watching = looks.flatMap(({ look }) => (typeof look === 'string' ? [] : [look]))
    for await (const page of orderFiles(books)) for (const file of page) for (const look of watching) look.order?.(file)
    const findings: Found[] = []
    for (const { invariant, found, look } of looks) {
      const one = await finished(invariant, found, look)
      findings.push(one)
      onFinding(one)
    }
    return { findings, violations: findings.reduce((n, f) => n + f.finding.count, 0) }
  } finally {
    await books.close()
  }
}

async function finished(invariant: Invariant, found: Findings, look: Look | string): Promise<Found> {
  const startedAt = performance.now()
  if (typeof look === 'string') return { invariant, finding: { ...found.result, skipped: look }, ms: 0 }
  await look.finish?.()
  return { invariant, finding: found.result, ms: performance.now() - startedAt }
}

/** Reads acknowledgements as a driver wrote them: one JSON object a line. */
export const readAcknowledged = (file: string): { orderId: string; status: number }[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { orderId: string; status: number })
