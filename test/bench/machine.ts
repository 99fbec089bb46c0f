import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

/** Where and when something was measured. */
export interface Setting {
  at: string
  commit: string | null
  machine: { cpus: number; model: string; memoryGiB: number; node: string; platform: string; load: number }
}

function commitHere(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return null // not a working copy
  }
}

export function settingNow(): Setting {
  const all = cpus()
  const machine = { cpus: all.length, model: all[0]?.model ?? '', memoryGiB: totalmem() / 2 ** 30, node: process.version, platform: `${process.platform}-${process.arch}`, load: loadavg()[0]! }
  return { at: new Date().toISOString(), commit: commitHere(), machine }
}

/** The same in words, for the head of a page. */
export const settingInWords = ({ at, commit, machine }: Setting): string[] => [
  `${at.slice(0, 16).replace('T', ' ')} UTC`, ...(commit === null ? [] : [`commit ${commit}`]), `${machine.cpus} × ${machine.model}, ${Math.round(machine.memoryGiB)} GiB, ${machine.platform}`,
  `Node ${machine.node}`, `load ${machine.load.toFixed(1)} at the start`
]

/** Writes results as JSON and as a page; answers the name of both without its ending. */
export function writeResults(out: string, report: Setting, page: string, prefix = ''): string {
  mkdirSync(out, { recursive: true })
  const name = join(out, prefix + report.at.replaceAll(':', '-').replace(/\..*/, ''))
  writeFileSync(`${name}.json`, JSON.stringify(report, null, 1))
  writeFileSync(`${name}.html`, page)
  return name
}

export const say = (text: string): void => console.log(text)

/** The one line that tells what goes on now. */
export const progress = (what: string): void => void process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${what}` : `${what}\n`)
