import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BrokerOptions } from 'moleculer'
import { connect, credsAuthenticator, type ConnectionOptions } from 'nats'
import { setting } from '../settings/settings.ts'

/** Where the NATS servers are and who we are there; plain data, so that a console may be told it. Files are named by whole paths. */
export interface NatsPlace {
  /** One URL, or several with commas between; all of one user. */
  url: string
  credsFile: string
  caFile: string
  certFile: string
  keyFile: string
}

const CONNECT_MS = 5_000
/** A connection that is silent for two of these is made anew; NATS's own default takes four minutes to notice. */
const PING_MS = 5_000
const RECONNECT_MS = 500

const fileOf = (path: string): string => (path ? resolve(path) : '')

/** The servers that the configuration names; null when this node joins nobody. */
export function natsPlace(): NatsPlace | null {
  const url = setting('NATS_URL')
  if (!url) return null
  return { url, credsFile: fileOf(setting('NATS_CREDS')), caFile: fileOf(setting('NATS_TLS_CA')), certFile: fileOf(setting('NATS_TLS_CERT')), keyFile: fileOf(setting('NATS_TLS_KEY')) }
}

/** Throws one clear line for a URL that is none, a file that cannot be read, or a certificate without its key. */
function connectionOptions({ url, credsFile, caFile, certFile, keyFile }: NatsPlace, name: string): ConnectionOptions {
  const urls = url.split(',').map((text) => {
    const parsed = URL.parse(text.trim())
    if (!parsed?.host) throw new Error(`NATS_URL wants nats://host:port, not "${text.trim()}"`)
    return parsed
  })
  const { username, password } = urls.find((parsed) => parsed.username) ?? {}
  if (Boolean(certFile) !== Boolean(keyFile)) throw new Error('NATS_TLS_CERT and NATS_TLS_KEY go together')
  const secure = Boolean(caFile || certFile) || urls.some(({ protocol }) => protocol === 'tls:')
  return {
    name,
    servers: urls.map(({ host }) => host),
    ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password ?? '') } : {}),
    ...(credsFile ? { authenticator: credsAuthenticator(read('NATS_CREDS', credsFile)) } : {}),
    // Else the client would take TLS wherever a server offers it, and refuse the certificates of an authority of your own.
    tls: secure
      ? {
          ...(caFile ? { ca: read('NATS_TLS_CA', caFile).toString() } : {}),
          ...(certFile ? { cert: read('NATS_TLS_CERT', certFile).toString(), key: read('NATS_TLS_KEY', keyFile).toString() } : {})
        }
      : null,
    timeout: CONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    reconnectTimeWait: RECONNECT_MS,
    maxReconnectAttempts: -1
  }
}

function read(setting: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Error(`${setting}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}

/** How a broker reaches others over these servers; after an outage it connects anew by itself. */
export const natsTransporter = (place: NatsPlace, nodeID: string): NonNullable<BrokerOptions['transporter']> => ({ type: 'NATS', options: connectionOptions(place, nodeID) })

/**
 * Rejects with one clear line when the servers cannot be reached or do not want us: Moleculer would try for ever, and say nothing
 * to whoever waits for the start.
 */
export async function checkNats(place: NatsPlace): Promise<void> {
  const options = { ...connectionOptions(place, 'souk-check'), reconnect: false }
  const connection = await connect(options).catch((error: Error) => {
    const why = options.tls === null && /\boptions\.tls\b/.test(error.message) ? 'it wants TLS: say tls:// in NATS_URL, or set NATS_TLS_CA' : error.message
    throw new Error(`NATS (${[options.servers].flat().join(', ')}) cannot be joined: ${why}`, { cause: error })
  })
  await connection.close()
}
