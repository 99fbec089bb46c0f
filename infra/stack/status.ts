import type { Engine } from './engine.ts'
import { programsOf } from './lifecycle.ts'
import { isAlive, isPaused, memoryOf, type Running } from './processes.ts'
import type { Stack } from './stack.ts'

/** `95 s`, `12 min`, `3 h`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}

/** Columns side by side, each as wide as it must be. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd())
}

async function stateOf(stack: Stack, engine: Engine, programs: readonly Running[]): Promise<string> {
  const dead = programs.filter((program) => !isAlive(program))
  if (dead.length > 0) return `died: ${dead.map(({ program }) => program.name).join(', ')}`
  if (programs.some(isPaused)) return 'paused'
  return engine.probe(stack).then(() => 'ready', (error: unknown) => `up, does not answer: ${error instanceof Error ? error.message : String(error)}`)
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MB`

async function rowOf(stack: Stack, engine: Engine): Promise<string[]> {
  const programs = programsOf(stack, engine)
  if (programs.length === 0) return [engine.name, 'stopped', '', '', '', '', engine.title]
  const alive = programs.filter(isAlive)
  const restarts = programs.reduce((sum, { deaths }) => sum + deaths.length, 0)
  return [
    engine.name,
    await stateOf(stack, engine, programs),
    Object.keys(engine.ports).map((use) => stack.port(engine.name, use)).join(' '),
    alive.map(({ pid }) => pid).join(' '),
    alive.length > 0 ? megabytes(alive.reduce((sum, program) => sum + memoryOf(program), 0)) : '',
    alive.length > 0 ? duration(Date.now() - Math.max(...alive.map(({ startedAt }) => Date.parse(startedAt)))) : '',
    `${engine.title}${restarts > 0 ? ` · died ${restarts}×, started anew` : ''}`
  ]
}

/** What there is of each engine. `well` when something runs and all that was started answers. */
export async function statusTable(stack: Stack, engines: readonly Engine[]): Promise<{ lines: string[]; well: boolean }> {
  const rows = await Promise.all(engines.map((engine) => rowOf(stack, engine)))
  const states = rows.map(([, state]) => state)
  return { lines: table([['engine', 'state', 'ports', 'process', 'memory', 'up', ''], ...rows]), well: states.includes('ready') && states.every((state) => state === 'ready' || state === 'stopped') }
}
