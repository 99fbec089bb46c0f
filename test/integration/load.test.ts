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
    printed = (await load('checkout', '--rate', '4', '--seconds', '3', '--warm-up', '0', '--customers', '60', '--products', '60', '--out', out)).stdout
    report = JSON.parse(fileOf('.json')) as LoadReport
  }, 180_000)

  test('people buy at a rate; what they were told holds, and the books are right', () => {
    expect(report).toMatchObject({ mix: 'checkout', violations: [], notAudited: null, wrong: [] })
    const [purchase] = report.transactions
    expect(purchase).toMatchObject({ name: 'purchase', measured: { operations: report.operations } })
    expect(report.operations).toBeGreaterThan(0)
    expect(report.checks).toMatchObject([{ name: 'an order is the whole cart, priced exactly', wrong: 0 }])
    expect(report.steps.map(({ name }) => name)).toEqual(expect.arrayContaining(['cart add', 'quote', 'confirm', 'order']))
    const { p50, p95, p99, p999, max } = purchase!.measured.latency
    expect([p50, p95, p99, p999, max]).toEqual([p50, p95, p99, p999, max].sort((a, b) => a - b))
    if (process.platform === 'linux') expect(Object.keys(report.cpu)).toEqual(expect.arrayContaining(['node web', 'node commerce', 'postgres', 'load']))
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
