import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { SETTINGS, setting } from '../mixins/settings/settings.ts'
import { PROFILES } from './profiles.ts'

type Name = keyof typeof SETTINGS

/** A secret on a command line is seen by every process of the machine. */
const ENVIRONMENT_ONLY: readonly string[] = ['SOUK_JWT_KEY', 'SOUK_WEBHOOK_SECRET', 'SOUK_TEST_DOORS']

const names = Object.keys(SETTINGS) as Name[]
const isOption = (name: Name): boolean => name.startsWith('SOUK_') && !ENVIRONMENT_ONLY.includes(name)
const optionOf = (name: Name): string => name.slice('SOUK_'.length).toLowerCase().replaceAll('_', '-')
const isFlag = (name: Name): boolean => typeof SETTINGS[name].default === 'boolean'

function parse(args: readonly string[]): Record<string, string | boolean | undefined> {
  const options: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } }
  for (const name of names.filter(isOption)) options[optionOf(name)] = { type: isFlag(name) ? 'boolean' : 'string' }
  try {
    return parseArgs({ args: [...args], options, allowNegative: true }).values as Record<string, string | boolean | undefined>
  } catch (error) {
    const [what] = (error as Error).message.split(/\. |\n/)
    throw new Error(`${what?.replace(/\.$/, '')}: npm start -- --help lists the options`, { cause: error })
  }
}

/**
 * Reads the command line into the environment, where it stands above what was there; every thread reads its settings from that.
 * Answers the help text when it was asked for. Throws one clear line for an option that does not exist or a value that cannot be read.
 */
export function readOptions(args: readonly string[]): { help: string | null } {
  const values = parse(args)
  for (const name of names.filter(isOption)) {
    const value = values[optionOf(name)]
    if (value !== undefined) process.env[name] = typeof value === 'boolean' ? String(Number(value)) : value
  }
  for (const name of names) setting(name)
  return { help: values['help'] ? help() : null }
}

const shown = (value: unknown): string => (value === null || value === '' || (Array.isArray(value) && value.length === 0) ? '' : ` (${String(value)})`)

function help(): string {
  const line = (head: string, doc: string): string => `  ${head.padEnd(42)}${doc}`
  const option = (name: Name): string => (isFlag(name) ? `--[no-]${optionOf(name)}` : `--${optionOf(name)} <value>`)
  const { default: defaults, doc } = { default: (name: Name) => shown(SETTINGS[name].default), doc: (name: Name) => SETTINGS[name].doc }
  return [
    'npm start -- [options]                 starts a node: its threads, and the engines it is not told to find elsewhere',
    'npm run node -- <profile> [options]    starts a node of that profile, which joins others over NATS',
    '',
    'Options (or the environment variable SOUK_…, e.g. SOUK_PORT for --port):',
    ...names.filter(isOption).map((name) => line(option(name), doc(name) + defaults(name))),
    line('--stack[=<directory>]', 'runs on the engines that npm run stack started; what the environment sets stands above them'),
    line('--help', 'this text'),
    '',
    'Profiles:',
    ...Object.entries(PROFILES).map(([name, profile]) => line(name, profile.doc)),
    '',
    'Environment variables only:',
    ...names.filter((name) => !isOption(name)).map((name) => line(name, doc(name) + defaults(name)))
  ].join('\n')
}
