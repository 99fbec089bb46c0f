import { readFileSync } from 'node:fs'
import { Books, type AuditOptions } from './books.ts'
import { catalogue } from './catalogue.ts'
import { eventLog } from './events.ts'
import type { Finding, Invariant } from './invariant.ts'
import { money } from './money.ts'
import { orders } from './orders.ts'
import { safety } from './safety.ts'
import { stock } from './stock.ts'

/** Every invariant that is read from the books, by number. */
export const INVARIANTS: readonly Invariant[] = [...stock, ...money, ...orders, ...eventLog, ...catalogue, ...safety].sort((a, b) => a.number - b.number)

export interface AuditReport {
  findings: { invariant: Invariant; finding: Finding }[]
  violations: number
}

/** Checks every invariant on the stores as they are; `onFinding` sees each as it comes. Changes nothing. */
export async function audit(options: AuditOptions, onFinding: (invariant: Invariant, finding: Finding) => void = () => {}): Promise<AuditReport> {
  const books = await Books.open(options)
  const findings: AuditReport['findings'] = []
  try {
    for (const invariant of INVARIANTS) {
      const finding = await invariant.check(books)
      findings.push({ invariant, finding })
      onFinding(invariant, finding)
    }
  } finally {
    await books.close()
  }
  return { findings, violations: findings.reduce((n, f) => n + f.finding.count, 0) }
}

/** Reads acknowledgements as a driver wrote them: one JSON object a line. */
export const readAcknowledged = (file: string): { orderId: string; status: number }[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { orderId: string; status: number })
