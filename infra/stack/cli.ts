// `npm run stack`: every engine of a large site, natively on this machine.
import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { renderEnv } from './env-file.ts'
import { bringDown, enginesUp, ENV_FILE, programsOf, writeEnv } from './lifecycle.ts'
import { lockStack } from './lock.ts'
import { lastLines, logFile, recorded, stop } from './processes.ts'
import { ENGINES, enginesOf } from './registry.ts'
import { Stack, StackError } from './stack.ts'
import { statusTable } from './status.ts'
import { up } from './up.ts'
import { isWatched, unwatch, watch, WATCHER } from './watcher.ts'

const DEFAULT_DIR = '.souk/stack'

const USAGE = `npm run stack [-- options]          installs and starts the engines, then prints what a node must know
npm run stack -- status             what runs, where, since when, with how much memory; exit code 1 when something is down
npm run stack -- stop               stops the engines; their data stays
npm run stack -- logs <engine>      the last lines of its log; -f follows it, -n says how many
npm run stack -- env                what a node must know of the engines that run, for a shell (set -a; . <(npm run -s stack -- env)); --json for a program
npm run stack -- reset              stops the engines and deletes their data; what was downloaded and built stays

Options:
  --only <engines>   these alone, comma-separated: ${ENGINES.map(({ name }) => name).join(', ')}
                     (without it: all but ${ENGINES.filter((engine) => !engine.byDefault).map(({ name }) => name).join(', ')})
  --edges <ports>    the edges that nginx stands before (3000,3001); kept until told otherwise
  --dir <directory>  where everything lies (${DEFAULT_DIR}); another directory is another stack
  --help             this text

exit 0: all that was asked for runs, or is done · 1: some does not · 2: this machine lacks what the stack needs, which is said in a line each`

interface Options {
  dir?: string | undefined
  edges?: string | undefined
  only?: string | undefined
  follow?: boolean | undefined
  lines?: string | undefined
  json?: boolean | undefined
}

/** Runs while nobody else changes the stack, and nothing is started anew under our hands. */
async function changing<T>(stack: Stack, change: () => Promise<T>): Promise<T> {
  const unlock = await lockStack(stack, (line) => console.error(line))
  try {
    await unwatch(stack)
    return await change()
  } finally {
    writeEnv(stack)
    if (recorded(stack).some(({ engine }) => engine !== WATCHER)) await watch(stack)
    unlock()
  }
}

const COMMANDS: Record<string, (stack: Stack, options: Options, args: readonly string[]) => Promise<number>> = {
  async up(stack, { only, edges }) {
    return up(stack, enginesOf(only), {
      edges: edges === undefined ? null : portsOf(edges),
      changing: (change) => changing(stack, change)
    })
  },

  async status(stack, { only }) {
    const { lines, well } = await statusTable(stack, only === undefined ? ENGINES : enginesOf(only))
    console.log(lines.join('\n'))
    if (enginesUp(stack).length > 0 && !isWatched(stack)) console.log('\nThe watcher does not run, so nothing is started anew that dies: npm run stack starts it')
    return well ? 0 : 1
  },

  async stop(stack, { only }) {
    const stopped = await changing(stack, () => down(stack, only))
    console.log(stopped.length > 0 ? `stopped: ${stopped.join(', ')}` : 'nothing was running')
    return 0
  },

  async logs(stack, { follow, lines }, [name]) {
    const [engine] = enginesOf(name ?? '')
    const programs = engine ? programsOf(stack, engine).map(({ program }) => program.name) : []
    const files = (programs.length > 0 ? programs : [name!]).filter((program) => existsSync(logFile(stack, program)))
    if (files.length === 0) throw new StackError(`${name} has not written anything yet`)
    if (follow) return tail(files.map((program) => logFile(stack, program)), lines ?? '50')
    for (const program of files) {
      if (files.length > 1) console.log(`── ${program}`)
      console.log(lastLines(stack, program, Number(lines ?? 50)).join('\n'))
    }
    return 0
  },

  async env(stack, { json }) {
    const environment = writeEnv(stack)
    if (Object.keys(environment).length === 0) throw new StackError(`the stack in ${stack.dir} does not run: npm run stack starts it`)
    process.stdout.write(json ? `${JSON.stringify(environment)}\n` : renderEnv(environment))
    return 0
  },

  async reset(stack, { only }) {
    await changing(stack, async () => {
      await down(stack, only)
      for (const engine of only === undefined ? ENGINES : enginesOf(only)) stack.forget(engine.name)
      if (only === undefined) for (const name of ['secrets.json', 'ports.json', ENV_FILE]) rmSync(stack.path(name), { force: true })
    })
    console.log(`${only ?? 'all data'} reset in ${stack.dir}; what was downloaded and built stays`)
    return 0
  }
}

function portsOf(list: string): number[] {
  const ports = list.split(',').map(Number)
  if (!ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)) throw new StackError(`--edges wants ports, comma-separated, not "${list}"`)
  return ports
}

async function down(stack: Stack, only: string | undefined): Promise<string[]> {
  const stopped: string[] = []
  await Promise.all(
    (only === undefined ? ENGINES : enginesOf(only)).map(async (engine) => {
      if ((await bringDown(stack, engine)) > 0) stopped.push(engine.name)
    })
  )
  // Programs of an engine that this version does not have.
  if (only === undefined) await Promise.all(recorded(stack).filter(({ engine }) => engine !== WATCHER).map((running) => stop(stack, running)))
  return stopped
}

/** Follows logs until the person ends it. */
function tail(files: readonly string[], lines: string): Promise<number> {
  const child = spawn('tail', ['-n', lines, '-F', ...files], { stdio: 'inherit' })
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 0)))
}

function parse(argv: readonly string[]): { command: string; args: string[]; options: Options & { help?: boolean | undefined } } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { dir: { type: 'string' }, only: { type: 'string' }, edges: { type: 'string' }, follow: { type: 'boolean', short: 'f' }, lines: { type: 'string', short: 'n' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } }
    })
    const [command = 'up', ...args] = positionals
    if (!Object.hasOwn(COMMANDS, command)) throw new StackError(`there is no command "${command}"`)
    if (command === 'logs' ? args.length !== 1 : args.length > 0) throw new StackError(command === 'logs' ? 'logs wants the name of one engine' : `${command} takes no further words: ${args.join(' ')}`)
    return { command, args, options: values }
  } catch (error) {
    throw new StackError(`${(error as Error).message.split(/\. |\n/)[0]!.replace(/\.$/, '')}: npm run stack -- --help says what there is`)
  }
}

async function main(): Promise<number> {
  const { command, args, options } = parse(process.argv.slice(2))
  if (options.help) {
    console.log(USAGE)
    return 0
  }
  const stack = new Stack(options.dir ?? DEFAULT_DIR)
  if (!stack.exists && command !== 'up') throw new StackError(`there is no stack in ${stack.dir}: npm run stack makes it`)
  return COMMANDS[command]!(stack, options, args)
}

process.stdout.on('error', () => {}) // whoever read our lines is gone
try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof StackError)) throw error
  console.error(`stack: ${error.message}`)
  process.exitCode = error.exitCode
}
