import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ChaosReport } from '../chaos/report.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

interface Ended {
  code: number
  stdout: string
  stderr: string
}

const chaos = (...args: string[]): Promise<Ended> =>
  run(process.execPath, ['nodes/souk.mjs', 'chaos', ...args], { cwd: root, timeout: 280_000 }).then(
    (ended) => ({ code: 0, ...ended }),
    (error: Ended) => error
  )

describe('npm run chaos', () => {
  const out = mkdtempSync(join(tmpdir(), 'souk-chaos-results-'))
  const fileOf = (ending: string): string => readFileSync(join(out, readdirSync(out).find((name) => name.endsWith(ending))!), 'utf8')
  const small = ['--embedded', '--products', '30', '--rate', '2', '--keepers', '3', '--hold', '1', '--out', out]
  afterAll(() => rmSync(out, { recursive: true, force: true }))

  describe('on a sound shop', () => {
    let ended: Ended
    beforeAll(async () => {
      ended = await chaos(...small, '--faults', 'commerce-dies,postgres-killed+provider-lost')
    }, 300_000)

    test('it comes back by itself after each fault, and loses nothing', () => {
      const report = JSON.parse(fileOf('.json')) as ChaosReport
      expect(report.outcomes.map(({ fault, wrong }) => ({ fault, wrong }))).toEqual([{ fault: 'commerce-dies', wrong: [] }, { fault: 'postgres-killed+provider-lost', wrong: [] }])
      for (const { orders, carts, backSeconds } of report.outcomes) expect([orders > 0, carts.acknowledged > 0, typeof backSeconds]).toEqual([true, true, 'number'])
      expect(ended.code).toBe(0)
      expect(ended.stdout).toContain('After each of 2 the shop was back by itself and every invariant holds')
    })

    test('writes a page that needs nothing from outside, and Markdown', () => {
      const page = fileOf('.html')
      expect(page).toContain('<polyline')
      expect(page).not.toMatch(/NaN|undefined|Infinity/)
      expect(page).not.toMatch(/(?:src|href)="/)
      expect(fileOf('.md')).toMatch(/^\| commerce-dies \|/m)
    })
  })

  test('finds a shop that does not know a request again', async () => {
    const { code, stdout } = await chaos(...small, '--mutant', 'no-idempotency', '--faults', 'peace')
    expect(code).toBe(1)
    expect(stdout).toMatch(/wrong: \d+ additions to carts were made twice/)
  }, 300_000)

  test('refuses what it cannot read in one line', async () => {
    const { code, stderr } = await chaos('--hold', 'long')
    expect(code).toBe(1)
    expect(stderr.trim().split('\n').at(-1)).toBe('souk: --hold wants a number above 0')
  }, 120_000)
})
