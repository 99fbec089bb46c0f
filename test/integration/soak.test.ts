import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { SoakReport } from '../soak/report.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const out = mkdtempSync(join(tmpdir(), 'souk-soak-results-'))
const soak = (...args: string[]): Promise<{ stdout: string }> => run(process.execPath, ['nodes/souk.mjs', 'soak', ...args], { cwd: root, timeout: 170_000 })
const fileOf = (ending: string): string => readFileSync(join(out, readdirSync(out).find((name) => name.endsWith(ending))!), 'utf8')

afterAll(() => rmSync(out, { recursive: true, force: true }))

describe('npm run soak', () => {
  let printed: string
  let report: SoakReport

  beforeAll(async () => {
    const ended = soak('--minutes', '0.2', '--rate', '4', '--deaths', '2', '--products', '60', '--out', out)
    printed = (await ended.catch((error: { stdout: string }) => error)).stdout // the report says what was wrong
    report = JSON.parse(fileOf('.json')) as SoakReport
  }, 180_000)

  test('people buy while threads die, and nothing that was acknowledged is lost', () => {
    expect(report).toMatchObject({ violations: [], broken: {}, wrong: [] })
    expect(report.orders).toBeGreaterThan(0)
    expect(report.deaths.map(({ thread }) => thread)).toEqual(['background'])
    expect(printed).toContain('Nothing grows, no acknowledged order is lost, every invariant holds.')
  })

  test('watches memory, handles, connections, queues, actors and latency', () => {
    const watched = new Set(report.samples.flatMap(({ values }) => Object.keys(values)))
    for (const series of ['heap/main', 'heap/web', 'handles/commerce', 'outbox/waiting', 'lag/seller.orders', 'actors/cart', 'unanswered/turns', 'latency/detail', 'connections/souk']) expect(watched).toContain(series)
    if (process.platform === 'linux') for (const series of ['memory/node', 'memory/postgres', 'descriptors/node']) expect(watched).toContain(series)
  })

  test('writes a page that needs nothing from outside', () => {
    const page = fileOf('.html')
    expect(page).toContain('<polyline')
    expect(page).not.toMatch(/NaN|undefined|Infinity/)
    expect(page).not.toMatch(/(?:src|href)="/)
  })

  test('refuses what it does not know in one line', async () => {
    await expect(soak('--minutes', 'long')).rejects.toMatchObject({ code: 1, stderr: 'souk: --minutes wants a number above 0\n' })
  })
})
