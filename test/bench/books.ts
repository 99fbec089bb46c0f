import { setTimeout as sleep } from 'node:timers/promises'
import { audit, type AuditReport } from '../audit/audit.ts'
import type { Whereabouts } from '../audit/books.ts'

/** What is younger may still be under way. */
const SETTLED_SECONDS = 5
/** Work behind the answers (events, parcels, captures) ends within this, or something is wrong. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 1_000

/** Violations of the shop's invariants, in words, once what was under way has had time to end. Rejects when the books cannot be read all the while. */
export async function violationsOf({ databases }: { databases: Whereabouts }, acknowledged: readonly { orderId: string; status: number }[] = [], patienceMs = PATIENCE_MS): Promise<string[]> {
  for (const deadline = performance.now() + patienceMs; ; await sleep(PAUSE_MS)) {
    const isOver = (): boolean => performance.now() > deadline
    try {
      const report = await audit({ ...databases, settledSeconds: SETTLED_SECONDS, ...(acknowledged.length > 0 ? { acknowledged } : {}) })
      if (report.violations === 0) return []
      if (isOver()) return inWords(report)
    } catch (error) {
      if (isOver()) throw error
    }
  }
}

const inWords = ({ findings }: AuditReport): string[] =>
  findings.filter(({ finding }) => finding.count > 0).map(({ invariant, finding }) => `invariant ${invariant.number} (${invariant.name}): ${finding.count}, e.g. ${finding.examples[0] ?? ''}`)
