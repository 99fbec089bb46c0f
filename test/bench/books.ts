import { setTimeout as sleep } from 'node:timers/promises'
import { audit, type AuditReport } from '../audit/audit.ts'
import type { Inside } from './shop.ts'

/** What is younger may still be under way. */
const SETTLED_SECONDS = 5
/** Work behind the answers (events, parcels, captures) ends within this, or something is wrong. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 1_000

/** Violations of the shop's invariants, in words, once what was under way has had time to end. */
export async function violationsOf({ databases }: Inside, acknowledged: readonly { orderId: string; status: number }[] = []): Promise<string[]> {
  for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    const report = await audit({ ...databases, settledSeconds: SETTLED_SECONDS, ...(acknowledged.length > 0 ? { acknowledged } : {}) })
    if (report.violations === 0) return []
    if (performance.now() > deadline) return inWords(report)
  }
}

const inWords = ({ findings }: AuditReport): string[] =>
  findings.filter(({ finding }) => finding.count > 0).map(({ invariant, finding }) => `invariant ${invariant.number} (${invariant.name}): ${finding.count}, e.g. ${finding.examples[0] ?? ''}`)
