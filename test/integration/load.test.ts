import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { LoadReport } from '../load/report.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const out = mkdtempSync(join(tmpdir(), 'souk-load-results-'))
const load = (...args: string[]): Promise<{ stdout: string }> => run(process.execPath, ['nodes/souk.mjs', 'load', ...args], { cwd: root, timeout: 170_000 })
const fileOf = (ending: string): string => readFileSync(join(out, readdirSync(out).find((name) => name.endsWith(ending))!), 'utf8')

afterAll(() => rmSync(out, { recursive: true, force: true }))

describe('npm run load', () => {
  let printed: string
  let report: LoadReport

  beforeAll(async () => {
    // So slow that nobody on a busy machine is refused for want of time.
    const sizes = ['--customers', '60', '--sellers', '5', '--products-per-seller', '4', '--units', '500', '--products', '60']
    printed = (await load('online-marketplace', '--rate', '6', '--seconds', '4', '--warm-up', '0', ...sizes, '--out', out)).stdout
    report = JSON.parse(fileOf('.json')) as LoadReport
  }, 180_000)

  test('transactions come at a rate; what people were told holds, and the books are right', () => {
    expect(report).toMatchObject({ mix: 'online-marketplace', violations: [], notAudited: null, wrong: [] })
    expect(report.transactions.map(({ name }) => name)).toEqual(['customer session', 'seller dashboard', 'price update', 'product replacement', 'delivery update'])
    expect(report.operations).toBeGreaterThan(0)
    for (const { measured: { operations, latency: { p50, p95, p99, p999, max } } } of report.transactions.filter(({ measured }) => measured.operations > 0)) {
      expect([p50, p95, p99, p999, max]).toEqual([p50, p95, p99, p999, max].sort((a, b) => a - b))
      expect(operations).toBeGreaterThan(0)
    }
    if (process.platform === 'linux') expect(Object.keys(report.cpu)).toEqual(expect.arrayContaining(['node web', 'node commerce', 'postgres', 'load']))
  })

  test('the seven criteria are looked at one by one, and hold', () => {
    expect(report.checks.map(({ name, wrong }) => [name, wrong])).toEqual([
      'functional decomposition', 'resource isolation', 'all-or-nothing checkout', 'causal replication of prices', 'product and stock integrity', 'dashboard from one snapshot', 'order of events per order'
    ].map((name) => [name, 0]))
    // Whether a dashboard was looked at is left to chance in so short a run.
    for (const { name, looked } of report.checks) if (name !== 'dashboard from one snapshot') expect(looked).toBeGreaterThan(0)
  })

  test('prints tables, and writes a page that needs nothing from outside', () => {
    expect(printed).toMatch(/transaction +right +\/s +p50 +p95 +p99 +p99\.9 +max ms +errors/)
    expect(printed).toContain('The audit found no violation.')
    const page = fileOf('.html')
    expect(page).toContain('<polyline')
    expect(page).not.toMatch(/NaN|undefined|Infinity/)
    expect(page).not.toMatch(/(?:src|href)="/)
  })

  test('refuses what it does not know in one line', async () => {
    await expect(load('dance')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^souk: which mix\? choose one of browse, [^\n]*\n$/) })
  })
})
