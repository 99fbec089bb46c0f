import { existsSync, rmSync, statSync, truncateSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from './engine.ts'
import { environmentOf, renderEnv } from './env-file.ts'
import { isAlive, lastLines, logFile, recorded, start, stop, type Running } from './processes.ts'
import { ENGINES } from './registry.ts'
import { StackError, type Stack } from './stack.ts'

const READY_WITHIN_MS = 120_000
const LOG_MAX_BYTES = 50_000_000

const message = (error: unknown): string => (error instanceof Error ? error.message || (error as { code?: string }).code || error.name : String(error))

export const programsOf = (stack: Stack, engine: Engine): Running[] => recorded(stack).filter((running) => running.engine === engine.name)

/** Whether the engine was started and all its programs live. */
export function isUp(stack: Stack, engine: Engine): boolean {
  const programs = programsOf(stack, engine)
  return programs.length > 0 && programs.every(isAlive)
}

/** Waits until the engine answers. Throws a StackError with the end of its log when it dies or takes too long. */
async function untilReady(stack: Stack, engine: Engine, programs: readonly Running[]): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS
  for (let last = ''; ; await sleep(50)) {
    const dead = programs.find((program) => !isAlive(program))
    if (dead) throw failure(stack, `${engine.name} ended while it started`, dead.program.name)
    try {
      return await engine.probe(stack)
    } catch (error) {
      last = message(error)
    }
    if (Date.now() > until) throw failure(stack, `${engine.name} was not ready within ${READY_WITHIN_MS / 1_000} s (${last})`, programs[0]!.program.name)
  }
}

const failure = (stack: Stack, what: string, program: string): StackError => {
  const said = lastLines(stack, program, 5).map((line) => `    ${line.slice(0, 300)}`)
  return new StackError([`${what}; the end of ${logFile(stack, program)}:`, ...said].join('\n'))
}

/** Logs are appended to over restarts; one that has grown large begins anew. */
function trimLog(stack: Stack, program: string): void {
  const file = logFile(stack, program)
  if (existsSync(file) && statSync(file).size > LOG_MAX_BYTES) truncateSync(file)
}

/** Brings an engine up that is installed; one that is up is left as it is. Answers whether it had to be started, and what it said about ports. */
export async function bringUp(stack: Stack, engine: Engine): Promise<{ started: boolean; moved: string[] }> {
  if (isUp(stack, engine)) {
    await untilReady(stack, engine, programsOf(stack, engine))
    return { started: false, moved: [] }
  }
  for (const half of programsOf(stack, engine)) await stop(stack, half)
  const moved = await stack.choosePorts(engine.name, engine.ports)
  const programs: Running[] = []
  try {
    for (const program of await engine.configure(stack)) {
      trimLog(stack, program.name)
      programs.push(await start(stack, engine.name, program))
    }
    await untilReady(stack, engine, programs)
    await engine.provision?.(stack)
  } catch (error) {
    for (const program of programs) await stop(stack, program, 2_000)
    throw error
  }
  return { started: true, moved: moved.map(({ use, from, to }) => `port ${from}${use === 'main' ? '' : ` (${use})`} is taken by another program: ${to} instead`) }
}

/** Stops the programs of an engine together. Answers how many lived. */
export async function bringDown(stack: Stack, engine: Engine): Promise<number> {
  const programs = programsOf(stack, engine)
  const alive = programs.filter(isAlive).length
  await Promise.all(programs.map((program) => stop(stack, program)))
  return alive
}

/** The engines that run: those whose programs were all started and live. */
export const enginesUp = (stack: Stack): Engine[] => ENGINES.filter((engine) => isUp(stack, engine))

export const ENV_FILE = 'env'

/** Makes the environment file say what runs; without engines there is none. */
export function writeEnv(stack: Stack): Record<string, string> {
  const up = enginesUp(stack)
  if (up.length === 0) {
    rmSync(stack.path(ENV_FILE), { force: true })
    return {}
  }
  const environment = environmentOf(stack, up)
  stack.writePrivate(ENV_FILE, renderEnv(environment))
  return environment
}
