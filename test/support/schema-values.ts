import * as fc from 'fast-check'
import type { Operation, Schema } from './openapi.ts'

/** Text as a well-meaning and as a mean client sends it: PostgreSQL, JavaScript, HTML and shells find their own characters in it. */
const TEXTS = ["'; DROP TABLE orders; --", '{"$gt":""}', '${7*7}', '<script>alert(1)</script>', '../../etc/passwd', '%00', '\u202e\u0000', '__proto__', 'NaN', '😀😀😀😀😀😀😀😀', ' ', '-1', '1e309', 'null', 'İstanbul', '\\', '%', '_', "' OR 1=1 --"]

const bounded = (min: number, max: number): fc.Arbitrary<string> => fc.string({ minLength: min, maxLength: Math.min(max, min + 40), unit: 'grapheme' }).filter((s) => s.length >= min && s.length <= max && !s.includes('\0'))

function text(schema: Schema): fc.Arbitrary<string> {
  const { minLength: min = 0, maxLength: max = 200, pattern } = schema as { minLength?: number; maxLength?: number; pattern?: string }
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern)).filter((s) => s.length >= min && s.length <= max)
  const mean = TEXTS.filter((s) => s.length >= min && s.length <= max && !s.includes('\0'))
  return mean.length > 0 ? fc.oneof(bounded(min, max), fc.constantFrom(...mean)) : bounded(min, max)
}

/** Values of fields that mean something to the shop, by the field's name, such as ids of what is there. */
export type Known = ReadonlyMap<string, readonly unknown[]>

function field(name: string, schema: Schema, known: Known): fc.Arbitrary<unknown> {
  const meant = known.get(name) ?? []
  return meant.length > 0 ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...meant) }, { weight: 1, arbitrary: values(schema, known) }) : values(schema, known)
}

function object(schema: Schema, known: Known): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties, propertyNames } = schema as { properties?: Record<string, Schema>; required?: string[]; additionalProperties?: Schema | false; propertyNames?: { pattern: string } }
  if (additionalProperties) return fc.dictionary(propertyNames ? text(propertyNames) : fc.string(), values(additionalProperties, known), { maxKeys: 4 })
  return fc.record(Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, field(name, inner, known)])), { requiredKeys: required, noNullPrototype: true })
}

/** Values that a JSON Schema allows; of the forms that the shop's own document uses. Most fields of a `known` name have one of its values. */
export function values(schema: Schema, known: Known = new Map()): fc.Arbitrary<unknown> {
  const { type, anyOf, minimum, maximum } = schema as { type?: string | string[]; anyOf?: Schema[]; minimum?: number; maximum?: number }
  if (schema['enum']) return fc.constantFrom(...(schema['enum'] as unknown[]))
  if (anyOf) return fc.oneof(...anyOf.map((s) => values(s, known)))
  if (Array.isArray(type)) return fc.oneof(...type.map((t) => values({ ...schema, type: t }, known)))
  switch (type) {
    case 'string':
      return text(schema)
    case 'integer':
      return fc.oneof(fc.integer({ min: minimum ?? -1_000, max: Math.min(maximum ?? 1_000, 2_000_000_000) }), fc.constantFrom(minimum ?? -1, maximum ?? 1))
    case 'number':
      return fc.double({ min: minimum ?? -1_000, max: maximum ?? 1_000, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(values(schema['items'] as Schema, known), { minLength: (schema['minItems'] as number | undefined) ?? 0, maxLength: Math.min((schema['maxItems'] as number | undefined) ?? 3, 3) })
    case 'object':
      return object(schema, known)
    default:
      return fc.jsonValue()
  }
}

/** Puts something that a client may get wrong at one place of a value, wherever `pick` falls. */
export function spoilt(value: unknown, wrong: unknown, pick: number): unknown {
  if (value === null || typeof value !== 'object') return wrong
  const keys = Object.keys(value)
  if (keys.length === 0 || pick % 5 === 0) return Array.isArray(value) ? [...value, wrong] : { ...value, unheardOf: wrong }
  const key = keys[pick % keys.length]!
  const inner = spoilt((value as Record<string, unknown>)[key], wrong, Math.floor(pick / keys.length))
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...value, [key]: inner }
}

/** What is put in place of something right. */
export const WRONG: readonly unknown[] = [null, -1, 0, 1.5, 1e308, 2 ** 53, '', ' ', '0', true, [], {}, [null], { $gt: '' }, { toString: 1 }, ...TEXTS, 'x'.repeat(20_000)]

const one = <T>(arbitrary: fc.Arbitrary<T>, seed: number): T => fc.sample(arbitrary, { seed, numRuns: 1 })[0]!

/** One body that is right; undefined for an operation without one. */
export const validBody = ({ body }: Operation, seed = 1): unknown => (body ? one(values(body), seed) : undefined)

/** A query with all that must be in it, `?` included. */
export function validQuery({ query }: Operation, seed = 1): string {
  const search = new URLSearchParams(query.filter((q) => q.required).map(({ name, schema }) => [name, String(one(values(schema), seed))]))
  return search.size > 0 ? `?${search}` : ''
}
