import { setTimeout as sleep } from 'node:timers/promises'
import { audit, type AuditReport } from '../audit/audit.ts'

/** What is wrong with the books, in words, by invariant number. */
export const violationsOf = ({ findings }: AuditReport): [number, string[]][] => findings.filter((f) => f.finding.count > 0).map((f) => [f.invariant.number, f.finding.examples])

/** Audits until nothing is wrong any more, since work may still be under way; answers what is still wrong after 20 s. */
export async function settledViolations({ main, orders }: { main: string; orders: readonly string[] }): Promise<[number, string[]][]> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const wrong = violationsOf(await audit({ main, orders, settledSeconds: 0 }))
    if (wrong.length === 0 || Date.now() > deadline) return wrong
    await sleep(250)
  }
}
