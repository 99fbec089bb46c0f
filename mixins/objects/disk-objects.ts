import { createHash, createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isObjectKey, objectKey } from './key.ts'
import type { ObjectStore, StoredObject } from './port.ts'

/** What a signed URL allows. */
export type Grant = { key: string; method: 'GET' } | { key: string; method: 'POST'; type: string; maxBytes: number }

const LEFT_OVER_MS = 60 * 60_000

/** The key that a URL's path ends with; null when it is none. */
function keyIn(path: string): string | null {
  try {
    const key = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
    return isObjectKey(key) ? key : null
  } catch {
    return null
  }
}

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT'

/** A directory's entries are durable only once the directory itself is synced. Some systems cannot open directories; they order renames themselves. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** The secret that signs this directory's URLs: made by whoever comes first, the same for all threads and after a restart. */
function secretOf(dir: string): Buffer {
  const file = join(dir, 'secret')
  const mine = join(dir, `secret.${randomUUID()}`)
  writeFileSync(mine, randomBytes(32), { mode: 0o600, flush: true })
  try {
    linkSync(mine, file)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
  } finally {
    rmSync(mine)
  }
  return readFileSync(file)
}

/**
 * Objects as files below a directory, for one machine: `<dir>/ab/cd/<hash of the key>`, one line of JSON (key, type) before the
 * body. A put is written aside, synced and renamed, so a crash leaves the old object or the new one whole. Signed URLs are served
 * by `serveObjects` below `baseUrl`.
 */
export class DiskObjects implements ObjectStore {
  readonly #dir: string
  readonly #baseUrl: string
  readonly #secret: Buffer

  constructor(dir: string, baseUrl: string) {
    this.#dir = dir
    this.#baseUrl = baseUrl
    mkdirSync(join(dir, 'incoming'), { recursive: true, mode: 0o700 })
    this.#secret = secretOf(dir)
    void this.sweep().catch(() => {}) // what it misses, the next start takes
  }

  async put(key: string, body: Buffer, type: string): Promise<void> {
    const path = this.#path(objectKey(key))
    await this.#makeDirectory(dirname(path))
    const aside = join(this.#dir, 'incoming', randomUUID())
    try {
      const handle = await open(aside, 'wx', 0o600)
      try {
        await handle.writev([Buffer.from(`${JSON.stringify({ key, type })}\n`), body])
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(aside, path)
    } catch (error) {
      await rm(aside, { force: true })
      throw error
    }
    await syncDirectory(dirname(path))
  }

  async get(key: string): Promise<StoredObject | null> {
    let file: Buffer
    try {
      file = await readFile(this.#path(objectKey(key)))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
    const end = file.indexOf(10)
    const { type } = JSON.parse(file.toString('utf8', 0, end)) as { type: string }
    return { body: file.subarray(end + 1), type }
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(objectKey(key))
    await rm(path, { force: true })
    await syncDirectory(dirname(path))
  }

  async signGet(key: string, ttlSeconds: number): Promise<string> {
    return this.#sign({ key: objectKey(key), method: 'GET' }, ttlSeconds)
  }

  async signPost(key: string, { type, maxBytes, ttlSeconds }: { type: string; maxBytes: number; ttlSeconds: number }): Promise<{ url: string; fields: Record<string, string> }> {
    return { url: this.#sign({ key: objectKey(key), method: 'POST', type, maxBytes }, ttlSeconds), fields: { 'Content-Type': type } }
  }

  /** What a signed URL allows now; null when it was not signed here, was changed, or has expired. `target` is the URL's path and query. */
  verify(method: string, target: string, now: number = Date.now()): Grant | null {
    const url = URL.parse(target, 'http://objects')
    const key = url && keyIn(url.pathname)
    if (!key) return null
    const { expires = '', type = '', maxBytes = '', signature = '' } = Object.fromEntries(url.searchParams)
    const given = Buffer.from(signature, 'base64url')
    const grant: Grant | null = method === 'GET' ? { key, method } : method === 'POST' ? { key, method, type, maxBytes: Number(maxBytes) } : null
    if (!grant || !(Number(expires) * 1_000 > now)) return null
    const wanted = this.#mac(grant, Number(expires))
    return given.length === wanted.length && timingSafeEqual(given, wanted) ? grant : null
  }

  /** Removes what crashes left half written; returns how many files. */
  async sweep(): Promise<number> {
    const incoming = join(this.#dir, 'incoming')
    let count = 0
    for (const name of await readdir(incoming)) {
      const path = join(incoming, name)
      const age = await stat(path).then((s) => Date.now() - s.mtimeMs, () => 0)
      if (age < LEFT_OVER_MS) continue
      await rm(path, { force: true })
      count++
    }
    return count
  }

  #path(key: string): string {
    const hash = createHash('sha256').update(key).digest('hex')
    return join(this.#dir, hash.slice(0, 2), hash.slice(2, 4), hash)
  }

  async #makeDirectory(path: string): Promise<void> {
    const made = await mkdir(path, { recursive: true, mode: 0o700 })
    if (made === undefined) return
    await syncDirectory(dirname(made))
    if (made !== path) await syncDirectory(made)
  }

  #sign(grant: Grant, ttlSeconds: number): string {
    const expires = Math.ceil(Date.now() / 1_000) + ttlSeconds
    const limits = grant.method === 'POST' ? { type: grant.type, maxBytes: String(grant.maxBytes) } : {}
    const query = new URLSearchParams({ ...limits, expires: String(expires), signature: this.#mac(grant, expires).toString('base64url') })
    return `${this.#baseUrl}/${encodeURIComponent(grant.key)}?${query}`
  }

  #mac(grant: Grant, expires: number): Buffer {
    const parts = grant.method === 'POST' ? [grant.method, grant.key, expires, grant.type, grant.maxBytes] : [grant.method, grant.key, expires]
    return createHmac('sha256', this.#secret).update(JSON.stringify(parts)).digest()
  }
}
