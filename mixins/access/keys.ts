import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { JWTHeaderParameters } from 'jose'
import { setting } from '../settings/settings.ts'

export const ISSUER = 'souk'

/** Who a token is for: one for another audience is refused, beside its `typ`. */
export const AUDIENCE = { api: 'souk/api' } as const

interface Keys {
  signing: { kid: string; key: KeyObject }
  public: ReadonlyMap<string, KeyObject>
  opaque: { kid: string; secret: Buffer }
  /** For what we sign or seal for ourselves (refresh tokens, API keys, CSRF, TOTP), by short key id. */
  secrets: ReadonlyMap<string, Buffer>
}

let loaded: { pem: string; keys: Keys } | undefined

/** RFC 7638 thumbprint of an Ed25519 public key. */
function thumbprint(key: KeyObject): string {
  const { crv, kty, x } = key.export({ format: 'jwk' })
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url')
}

const shortId = (kid: string): string => kid.slice(0, 8)

/** Parses SOUK_JWT_KEY: one or more PEM blocks; the first signs, all verify, so a key is rotated by putting a new one in front. */
function parse(pem: string): Keys {
  const blocks = pem.replaceAll('\\n', '\n').match(/-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/g) ?? []
  const all = blocks.map((block) => {
    const key = createPrivateKey(block)
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('SOUK_JWT_KEY wants Ed25519 keys (openssl genpkey -algorithm ed25519)')
    const publicKey = createPublicKey(key)
    const seed = key.export({ format: 'der', type: 'pkcs8' })
    return { kid: thumbprint(publicKey), key, publicKey, secret: Buffer.from(hkdfSync('sha256', seed, 'souk', 'opaque tokens', 32)) }
  })
  const [first] = all
  if (!first) throw new Error('SOUK_JWT_KEY holds no PKCS 8 private key in PEM form')
  return {
    signing: { kid: first.kid, key: first.key },
    opaque: { kid: shortId(first.kid), secret: first.secret },
    public: new Map(all.map(({ kid, publicKey }) => [kid, publicKey])),
    secrets: new Map(all.map(({ kid, secret }) => [shortId(kid), secret]))
  }
}

/** The keys of SOUK_JWT_KEY. Throws one clear line when it is not set: a token that no other thread could verify is worth nothing. */
function keys(): Keys {
  const pem = setting('SOUK_JWT_KEY')
  if (!pem) throw new Error('SOUK_JWT_KEY is not set: start the node with npm start, which makes one in the data directory, or set it')
  if (loaded?.pem !== pem) loaded = { pem, keys: parse(pem) }
  return loaded.keys
}

/** The key that signs, with its id. */
export const signingKey = (): { kid: string; key: KeyObject } => keys().signing

/** The public key a token names, for jose; rejects a token that names none of ours. */
export async function verificationKey({ kid }: JWTHeaderParameters): Promise<KeyObject> {
  const key = kid === undefined ? undefined : keys().public.get(kid)
  if (!key) throw new Error('no such key')
  return key
}

/** The secret in use for tokens that we alone read, with its short key id. */
export const opaqueSecret = (): { kid: string; secret: Buffer } => keys().opaque

/** All such secrets: what was made under a key before its rotation stays readable. */
export const opaqueSecrets = (): ReadonlyMap<string, Buffer> => keys().secrets
