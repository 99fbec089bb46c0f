import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'

const CHDB = 'chdb@3.4.0'
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']
const NPM_PATIENCE_MS = 600_000

/** Whether the engine lies in this folder, complete. */
export const isInstalled = (dir: string): boolean => existsSync(join(dir, 'node_modules', 'chdb', 'package.json'))

/** Why the engine cannot run on this machine at all; null when it can. */
export function unsupported(): string | null {
  const platform = `${process.platform}-${process.arch}`
  if (!PLATFORMS.includes(platform)) return `there is no ClickHouse engine for ${platform}`
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  if (process.platform === 'linux' && !header.glibcVersionRuntime) return 'the ClickHouse engine needs glibc'
  return null
}

/** npm as this process was started by it, or from the path. */
function npm(): { command: string; args: string[] } {
  const cli = process.env['npm_execpath']
  return cli?.endsWith('.js') ? { command: process.execPath, args: [cli] } : { command: 'npm', args: [] }
}

function run(cwd: string): Promise<void> {
  const { command, args } = npm()
  const child = spawn(command, [...args, 'install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', CHDB], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: NPM_PATIENCE_MS
  })
  try {
    if (child.pid) setPriority(child.pid, constants.priority.PRIORITY_LOW) // the shop comes first
  } catch {
    // it has ended already, or we may not: it runs like others
  }
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(complaint.trim().split('\n')[0] || `npm ended with ${code}`))))
  })
}

/**
 * Puts the ClickHouse engine (543 MB, out of the npm registry) into `dir`. It is installed beside and then moved, so that a folder
 * that is there is whole, and of several who install at once the first wins. Its platform packages keep it out of the main lock.
 */
export async function install(dir: string): Promise<void> {
  if (isInstalled(dir)) return
  const beside = `${dir}.${process.pid}-${Date.now()}`
  try {
    await mkdir(beside, { recursive: true })
    await writeFile(join(beside, 'package.json'), '{ "private": true }\n')
    await run(beside)
    await mkdir(dirname(dir), { recursive: true })
    await rename(beside, dir)
  } catch (error) {
    if (!isInstalled(dir)) throw error
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}
