import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { SETTINGS } from '../../mixins/settings/settings.ts'
import { PROFILES } from '../../nodes/profiles.ts'
import { INVARIANTS } from '../audit/audit.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

const shown = (value: unknown): string => (value === null || (Array.isArray(value) && value.length === 0) ? '' : `\`${typeof value === 'boolean' ? Number(value) : String(value)}\``)

describe('the README', () => {
  test('lists every setting with its default, as the code has them', () => {
    const rows = Object.entries(SETTINGS).map(([name, { default: value, doc }]) => `| \`${name}\` | ${shown(value)} | ${doc} |`)
    const table = ['| variable | default | |', '|---|---|---|', ...rows].join('\n')
    expect(/<!-- settings:[^\n]*-->\n([\s\S]*?)\n<!-- \/settings -->/.exec(readme)?.[1]).toBe(table)
  })

  test('names every profile and every invariant that the audit checks', () => {
    for (const name of Object.keys(PROFILES)) expect(readme).toContain(`\`${name}\``)
    const numbers = [...readme.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap((m) => m[1]!.split(', ').map(Number))
    for (const { number } of INVARIANTS) expect(numbers).toContain(number)
  })
})
