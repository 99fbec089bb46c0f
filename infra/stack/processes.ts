import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Program } from './engine.ts'
import { StackError, type Stack } from './stack.ts'

/**
 * What identifies a process: its number alone is given to another one some day, and what its command line says it may change itself
 * (servers do). When it was started is the kernel's word.
 */
export interface Identity {
  pid: number
  /** In ticks since boot. */
  startedTicks: number
  boot: string
}

/** A program of the stack that was started and not stopped. */
export interface Running extends Identity {
  engine: string
  program: Program
  startedAt: string
  /** Ends that nobody asked for, the latest last. */
  deaths: readonly { at: string; said: string }[]
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** The numbers of `/proc/<pid>/stat` after the name, which may itself hold spaces and brackets: state first, start time twentieth. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

/** Who this process is now; null when there is none, or it is dead and only nobody has heard of it. */
export function identify(pid: number): Identity | null {
  const stat = statOf(pid)
  if (!stat || stat[0] === 'Z' || stat[0] === 'X') return null
  return { pid, startedTicks: Number(stat[19]), boot: bootId() }
}

/** Whether the process that was recorded is still that one: its number may have gone to a stranger, who is never to be touched. */
export function isAlive(recorded: Identity): boolean {
  const now = identify(recorded.pid)
  return now !== null && now.startedTicks === recorded.startedTicks && now.boot === recorded.boot
}

/** Whether it was stopped by SIGSTOP. */
export const isPaused = ({ pid }: Identity): boolean => statOf(pid)?.[0] === 'T'

const allPids = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)

/**
 * Processes that a dead one left in its group. A number stays taken while it names a group, so when it belongs to a stranger now,
 * nobody was left.
 */
function leftBehind(dead: Identity): number[] {
  const leader = statOf(dead.pid)
  if (dead.boot !== bootId() || (leader && Number(leader[19]) !== dead.startedTicks)) return []
  return allPids().filter((pid) => pid !== dead.pid && Number(statOf(pid)?.[2]) === dead.pid)
}

function endLeftBehind(dead: Identity): void {
  for (const pid of leftBehind(dead)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it ended by itself meanwhile
    }
  }
}

/** Resident memory of the process and of those it started, in bytes. */
export function memoryOf({ pid }: Identity): number {
  const parents = new Map<number, number>()
  for (const one of allPids()) parents.set(one, Number(statOf(one)?.[1] ?? 0))
  const belongs = (one: number): boolean => one === pid || (parents.has(one) && belongs(parents.get(one)!))
  let bytes = 0
  for (const one of parents.keys()) if (belongs(one)) bytes += residentOf(one)
  return bytes
}

/** Memory that several processes share is counted once over all of them (PSS), where the kernel says so. */
function residentOf(pid: number): number {
  try {
    const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
    return Number(pss?.[1] ?? 0) * 1_024
  } catch {
    return Number(statOf(pid)?.[21] ?? 0) * 4_096
  }
}

const recordFile = (name: string): string => `run/${name}.json`

const save = (stack: Stack, running: Running): void => stack.writePrivate(recordFile(running.program.name), `${JSON.stringify(running, null, 2)}\n`)

/** All programs that were started and not stopped, alive or not. */
export function recorded(stack: Stack): Running[] {
  if (!existsSync(stack.path('run'))) return []
  return readdirSync(stack.path('run'))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(stack.path('run', file), 'utf8')) as Running)
}

export const logFile = (stack: Stack, program: string): string => stack.path('logs', `${program}.log`)

/** The last lines that a program wrote. */
export function lastLines(stack: Stack, program: string, count: number): string[] {
  const file = logFile(stack, program)
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count) : []
}

interface StartOptions {
  deaths?: Running['deaths']
  /** As ourselves, and not as the engines' user. */
  asUs?: boolean
}

/**
 * Starts a program that outlives us, as the engines' user, in a process group of its own, writing into its log.
 * Throws a StackError when it cannot be run at all; whether it comes up is for the engine's probe to say.
 */
export async function start(stack: Stack, engine: string, program: Program, { deaths = [], asUs = false }: StartOptions = {}): Promise<Running> {
  const log = openSync(logFile(stack, program.name), 'a', 0o600)
  try {
    const child = spawn(program.command, [...program.args], {
      ...(asUs ? {} : stack.user),
      cwd: asUs ? stack.dir : stack.path(engine),
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: asUs ? stack.dir : stack.path(engine), ...program.env },
      detached: true,
      stdio: ['ignore', log, log]
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error) => reject(new StackError(`${program.name} cannot be run: ${error.message}`)))
    })
    child.unref()
    // One that ends at once is dead already: then its record says so by not being alive.
    const identity = identify(child.pid!) ?? { pid: child.pid!, startedTicks: 0, boot: bootId() }
    const running = { ...identity, engine, program, startedAt: new Date().toISOString(), deaths }
    save(stack, running)
    return running
  } finally {
    closeSync(log)
  }
}

/**
 * Asks a program to end, waits, and ends it, and then whatever it left in its group. Forgets it first, so that nobody starts it anew.
 * A stranger with its number is left alone.
 */
export async function stop(stack: Stack, running: Running, patienceMs = 20_000): Promise<void> {
  rmSync(stack.path(recordFile(running.program.name)), { force: true })
  if (isAlive(running)) {
    process.kill(running.pid, running.program.stopSignal ?? 'SIGTERM')
    if (isPaused(running)) process.kill(running.pid, 'SIGCONT')
    const until = Date.now() + patienceMs
    while (isAlive(running) && Date.now() < until) await sleep(25)
    if (isAlive(running)) process.kill(running.pid, 'SIGKILL')
    while (isAlive(running)) await sleep(25)
  }
  endLeftBehind(running)
}

/** Starts a program anew that died, and notes the death with the last thing it said. */
export function restart(stack: Stack, dead: Running): Promise<Running> {
  endLeftBehind(dead) // it may hold the port or the files
  const death = { at: new Date().toISOString(), said: lastLines(stack, dead.program.name, 1)[0] ?? '' }
  return start(stack, dead.engine, dead.program, { deaths: [...dead.deaths, death].slice(-20) })
}
