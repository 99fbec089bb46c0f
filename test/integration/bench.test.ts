import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Report } from '../bench/report.ts'
import { redisProgram, startRedis } from '../support/redis.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const out = mkdtempSync(join(tmpdir(), 'souk-bench-results-'))
const benchIn = (env: Record<string, string>, ...args: string[]): Promise<{ stdout: string; stderr: string }> => run(process.execPath, ['nodes/souk.mjs', 'bench', ...args], { cwd: root, timeout: 170_000, env: { ...process.env, ...env } })
const bench = (...args: string[]): ReturnType<typeof benchIn> => benchIn({}, ...args)
const fileOf = (ending: string): string => join(out, readdirSync(out).find((name) => name.endsWith(ending))!)

afterAll(() => rmSync(out, { recursive: true, force: true }))

describe('npm run bench', () => {
  let printed: string
  let report: Report

  beforeAll(async () => {
    const redis = redisProgram === null ? null : await startRedis(['--appendfsync', 'always'])
    printed = (await benchIn(redis ? { REDIS_URL: redis.url } : {}, '--scenarios', 'idle-memory,product-detail,search-large,actor-turn-redis,actor-turn-nats,cart-add', '--seconds', '0.5', '--products', '60', '--out', out)).stdout
    report = JSON.parse(readFileSync(fileOf('.json'), 'utf8')) as Report
    await redis?.stop()
  }, 180_000)

  test('measures each scenario beside its reference, with both kinds of load', () => {
    expect(report.results.map(({ scenario, comparisons }) => [scenario, comparisons.map(({ load }) => load)])).toEqual([
      ['product-detail', ['closed', 'open']],
      ...(redisProgram === null ? [] : [['actor-turn-redis', ['closed', 'open']]]),
      ['cart-add', ['closed', 'open']]
    ])
    for (const { shop, reference, ratio } of report.results.flatMap(({ comparisons }) => comparisons)) {
      for (const figure of [shop, reference]) {
        expect(figure).toMatchObject({ operations: expect.any(Number), rate: expect.any(Number), errors: {}, cpu: expect.any(Object) })
        expect(figure.operations).toBeGreaterThan(0)
        const { p50, p95, p99, p999, max } = figure.latency
        expect([p50, p95, p99, p999, max]).toEqual([p50, p95, p99, p999, max].sort((a, b) => a - b))
      }
      expect(ratio.rate).toBeCloseTo(shop.rate / reference.rate)
    }
  })

  test('says what a shop takes that has nothing to do, beside bare processes, and leaves out what needs more products or engines', () => {
    const { shop, reference, when } = report.idleMemory!
    expect(when).toBe('10 s after its second start')
    expect(shop.mib).toBeGreaterThan(reference.mib)
    expect(shop.mib).toBeLessThan(1_024)
    expect(printed).toMatch(/idle-memory: the shop takes \d+ MiB \(node \d+, postgres \d+/)
    expect(report.skipped).toMatchObject({
      'search-large': 'needs 100,000 products (--products 100000), there are 60',
      'actor-turn-nats': expect.stringMatching(/^needs NATS_URL\b.* \(npm run stack, then --stack\)$/)
    })
  })

  test('audits what was done: the carts hold what their owners were told, and no invariant is broken', () => {
    expect(report.audited).toBe(true)
    expect(report.results.flatMap(({ violations }) => violations)).toEqual([])
    expect(printed).toContain('The audit found no violation.')
  })

  test('prints a table, and writes a page that needs nothing from outside', () => {
    expect(printed).toMatch(/rate\/s +p50 +p95 +p99 +p99\.9 ms +ratio +errors +CPU ms per operation/)
    const page = readFileSync(fileOf('.html'), 'utf8')
    expect(page).toContain('<svg')
    expect(page).not.toMatch(/NaN|undefined|Infinity/)
    expect(page).not.toMatch(/(?:src|href)="/)
  })

  test('compares two runs, and marks what is more than noise', async () => {
    const faster = structuredClone(report)
    for (const { shop } of faster.results.at(-1)!.comparisons) shop.rate *= 2
    faster.results[0]!.void = true
    const other = join(out, 'other')
    writeFileSync(other, JSON.stringify(faster))
    const { stdout } = await bench('compare', fileOf('.json'), other)
    expect(stdout).toMatch(/cart-add, closed .*\(\+100 % better\)/)
    expect(stdout).toMatch(/product-detail, open VOID/)
  })

  test('refuses what it does not know in one line', async () => {
    await expect(bench('--scenarios', 'product-detail,dance')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^souk: there is no scenario "dance": choose of import, [^\n]*\n$/) })
    await expect(bench('--seconds', 'long')).rejects.toMatchObject({ code: 1, stderr: 'souk: --seconds wants a number above 0\n' })
  })
})
