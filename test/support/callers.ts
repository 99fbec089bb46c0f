import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { publishEntry, sessionKey } from '../../mixins/access/sessions.ts'
import { signAccessToken } from '../../mixins/access/tokens.ts'
import { openKeys } from '../../mixins/keys/keys.ts'
import type { Credentials, Role } from '../../mixins/runtime/service.ts'

/** Call options of a person with a live session, as the gateway would pass them on. */
export interface SignedIn {
  userId: string
  readonly meta: { credentials: Credentials }
}

/** Signs somebody in without the auth domain: a session in the keys store and a token for it. The databases must be there. */
export async function signIn(userId: string = randomUUID(), roles: readonly Role[] = []): Promise<SignedIn> {
  process.env['SOUK_JWT_KEY'] ||= generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const sessionId = randomUUID()
  const keys = openKeys()
  await publishEntry(keys, sessionKey(sessionId), { userId, sessionId, roles: ['shopper', ...roles], site: 'local', version: 1 })
  await keys.close()
  const token = await signAccessToken({ userId, sessionId, site: 'local' })
  return {
    userId,
    get meta() {
      return { credentials: { token } } // a call keeps and changes the object it is given
    }
  }
}
