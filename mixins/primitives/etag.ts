import { hash } from 'node:crypto'

/** The entity tag (unquoted) of an answer's bytes: equal bytes, equal tag. What the gateway sends as ETag where an action declares no field for it. */
export const entityTag = (body: string | Uint8Array): string => hash('sha1', body, 'base64url')

/** The tag of a value as the gateway writes it, for comparing with `ctx.meta.ifMatch`. */
export const valueTag = (value: unknown): string => entityTag(JSON.stringify(value))
