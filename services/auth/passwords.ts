import { argon2, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { BoundedMap } from '../../mixins/primitives/bounded-map.ts'
import { Places } from '../../mixins/primitives/places.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'

// Argon2id with the first choice of OWASP's password storage guide: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
const TAG_BYTES = 32
const SALT_BYTES = 16

/** Hashes at once on a thread: each takes its memory and a core for about 40 ms. */
const HASHING_MAX = 2
/** Hashes that wait; one more is `overloaded`, for whoever waits longer than this has given up. */
const WAITING_MAX = 100

/** A password that was right a moment ago is known for this long without hashing it again. */
const RECENT_MS = 15 * 60_000
const RECENT_MAX = 20_000

const hashOf = promisify(argon2)

/** Common passwords of 8 characters and more, the most common first, from zxcvbn-ts's frequency list (MIT). */
const common = new Set(readFileSync(new URL('common-passwords.txt', import.meta.url), 'utf8').trimEnd().split('\n'))

/** One password in one form, however the keyboard composed its letters (NIST SP 800-63B, 3.1.1.2). */
const normal = (password: string): string => password.normalize('NFKC')

/** Throws `validation-failed` for a password that anybody would try first. No rules of composition: they make passwords worse. */
export function checkNewPassword(field: string, password: string, email: string): void {
  const lower = normal(password).toLowerCase()
  if (common.has(lower) || new Set(lower).size < 3) throw invalidField(field, 'common', 'is one of the most common passwords, take another')
  if (lower === email.toLowerCase()) throw invalidField(field, 'common', 'must not be the e-mail address')
}

/** A password as it is stored: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
interface Phc {
  memory: number
  passes: number
  lanes: number
  salt: Buffer
  hash: Buffer
}

function parse(phc: string): Phc {
  const found = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(phc)
  if (!found) throw new Error('a password hash is not in the form of this version')
  const [, memory, passes, lanes, salt, hash] = found as unknown as [string, string, string, string, string, string]
  return { memory: Number(memory), passes: Number(passes), lanes: Number(lanes), salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

/**
 * Hashes and compares passwords, at most two at once. Hashing takes memory, so what waits is bounded too: `overloaded` above it.
 * A right password is remembered for minutes as a keyed digest in this process's memory, under a key that never leaves it, so that
 * confirming a purchase just after signing in needs no second hash; a wrong one always costs the whole hash.
 */
export class Passwords {
  readonly #hashing = new Places(HASHING_MAX, { waitingMax: WAITING_MAX, full: () => problem('overloaded', 'Too many people sign in at once: try again shortly.', { retryAfter: 3 }) })
  readonly #secret = randomBytes(32)
  readonly #recent = new BoundedMap<string, { digest: Buffer; until: number }>(RECENT_MAX)
  #decoy: Promise<string> | undefined

  /** A new hash, with a salt of its own. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    const hash = await this.#derive(password, { memory: MEMORY_KIB, passes: PASSES, lanes: LANES, salt, hash: Buffer.alloc(TAG_BYTES) })
    return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${base64(salt)}$${base64(hash)}`
  }

  /** Whether it is the password behind `phc`. Without one (there is no such account) it takes as long and is wrong. */
  async verify(password: string, phc: string | null): Promise<boolean> {
    const stored = phc ?? (await (this.#decoy ??= this.hash(randomBytes(16).toString('hex'))))
    if (this.#isRecent(password, stored)) return phc !== null
    const wanted = parse(stored)
    const right = timingSafeEqual(await this.#derive(password, wanted), wanted.hash) && phc !== null
    if (right) this.#remember(password, stored)
    return right
  }

  #digest(password: string, phc: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${phc}\0${normal(password)}`).digest()
  }

  #isRecent(password: string, phc: string): boolean {
    const known = this.#recent.get(phc)
    return known !== undefined && known.until > Date.now() && timingSafeEqual(known.digest, this.#digest(password, phc))
  }

  #remember(password: string, phc: string): void {
    this.#recent.set(phc, { digest: this.#digest(password, phc), until: Date.now() + RECENT_MS })
  }

  async #derive(password: string, { memory, passes, lanes, salt, hash }: Phc): Promise<Buffer> {
    return this.#hashing.run(() => hashOf('argon2id', { message: normal(password), nonce: salt, parallelism: lanes, tagLength: hash.length, memory, passes }))
  }
}
