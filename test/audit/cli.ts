// `npm run audit`: checks the books of a marketplace from outside its processes. Exit 0: every invariant holds; 1: some do not;
// 2: the books could not be read.
import { parseArgs } from 'node:util'
import { setting } from '../../mixins/settings/settings.ts'
import { runningNode } from '../../nodes/data-directory.ts'
import { audit, readAcknowledged, type Found } from './audit.ts'
import { booksNamed, booksOf, type AuditOptions, type Whereabouts } from './books.ts'

const HELP = `npm run audit -- [options]     checks every invariant on the books of a running node, or of the databases in the environment

  --data-dir <path>     directory of the node whose books are read (SOUK_DATA_DIR, .souk); not used when DATABASE_URL and
                        ORDERS_DATABASE_URLS are set; schemas have databases of their own (DATABASE_URL_<SCHEMA>), the log is
                        in Kafka (KAFKA_BROKERS), payments in MongoDB (MONGODB_URL), the
                        index in Elasticsearch (ELASTICSEARCH_URL) where the node's are, or these say
                        so; whoever logs in at Kafka is named here (KAFKA_USERNAME, …: --stack sets all of it)
  --acks <file>         what clients were told, one {"orderId": …, "status": 201} a line: checks that no such order is lost
  --settled <seconds>   work younger than this may still be under way (30)
  --json                one JSON document instead of lines
  --help                this text

exit 0: every invariant holds · 1: some do not · 2: the books could not be read`

class Unreadable extends Error {}

/** Where the books lie: in the databases that the environment names, or in those of the node on the data directory. */
function whereabouts(dataDir: string): Whereabouts {
  const here = booksNamed()
  if (here.main !== undefined && here.orders !== undefined) return { ...here, main: here.main, orders: here.orders }
  const node = runningNode(dataDir)
  if (!node) throw new Unreadable(`no node runs on ${dataDir}: start one (npm start), name its directory with --data-dir, or set DATABASE_URL and ORDERS_DATABASE_URLS`)
  return { ...booksOf(node), ...here }
}

function readOptions(args: readonly string[]): { options: AuditOptions; json: boolean } | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: { 'data-dir': { type: 'string' }, acks: { type: 'string' }, settled: { type: 'string', default: '30' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } }
  })
  if (values.help) return 'help'
  const settledSeconds = Number(values.settled)
  if (!Number.isFinite(settledSeconds) || settledSeconds < 0 || values.settled === '') throw new Unreadable(`--settled wants seconds, not "${values.settled}"`)
  const acknowledged = values.acks === undefined ? {} : { acknowledged: readAcknowledged(values.acks) }
  return { options: { ...whereabouts(values['data-dir'] ?? setting('SOUK_DATA_DIR')), settledSeconds, ...acknowledged }, json: values.json }
}

function print({ invariant: { number, name }, finding, ms }: Found): void {
  const verdict = finding.skipped ? '–' : finding.count === 0 ? '✓' : '✗'
  const what = finding.skipped ? `not looked at: ${finding.skipped}` : `${finding.count} of ${finding.checked} wrong, ${(ms / 1_000).toFixed(1)} s`
  console.log(`${verdict} ${String(number).padStart(2)}  ${name} (${what})`)
  for (const example of finding.examples) console.log(`       ${example}`)
  if (finding.count > finding.examples.length) console.log(`       … and ${finding.count - finding.examples.length} more`)
}

async function main(): Promise<number> {
  const read = readOptions(process.argv.slice(2))
  if (read === 'help') {
    console.log(HELP)
    return 0
  }
  const startedAt = performance.now()
  const { findings, violations } = await audit(read.options, read.json ? () => {} : print)
  const seconds = (performance.now() - startedAt) / 1_000
  if (read.json) {
    const items = findings.map(({ invariant, finding, ms }) => ({ number: invariant.number, name: invariant.name, ...finding, ms: Math.round(ms) }))
    console.log(JSON.stringify({ violations, seconds, items }, null, 2))
  } else console.log(`\n${violations === 0 ? 'Every invariant holds' : `${violations} violations`}: ${findings.filter((f) => !f.finding.skipped).length} invariants looked at in ${seconds.toFixed(1)} s.`)
  return violations === 0 ? 0 : 1
}

/** Errors of a database as one line that says what to do; none of them shows a password. */
const lineOf = (error: unknown): string => {
  const { message, code } = error as { message?: string; code?: string }
  const text = message || code || String(error)
  return text.split('\n')[0]!
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(`souk: the audit could not be made: ${lineOf(error)}`)
  return 2
})
