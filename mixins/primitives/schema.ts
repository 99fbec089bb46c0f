// One schema language for the whole house: fastest-validator rules, made by these builders, which also carry the TypeScript type.
// Action parameters are validated by them at run time, `Infer` gives their static type, `json-schema.ts` their OpenAPI form.
// Bodies are never coerced ("1" is not 1); only the `query*` builders convert, for values that arrive as text in a URL.

declare const typeOf: unique symbol

/** A fastest-validator rule that validates a `T`. */
export interface Rule<T = unknown> {
  readonly type: string
  readonly optional?: boolean
  readonly nullable?: boolean
  readonly [option: string]: unknown
  readonly [typeOf]?: T
}

/** A rule whose field may be absent. */
export interface OptionalRule<T = unknown> extends Rule<T> {
  readonly optional: true
}

export type Fields = Readonly<Record<string, Rule>>

type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends OptionalRule ? K : never }[keyof F]
type Simplify<T> = { [K in keyof T]: T[K] }

/** The static type of a rule. */
export type Infer<R extends Rule> = R extends Rule<infer T> ? T : never

/** The static type of an object's fields; optional fields may be absent or undefined. */
export type InferFields<F extends Fields> = Simplify<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & { [K in OptionalKeys<F>]?: Infer<F[K]> | undefined }
>

interface TextOptions {
  min?: number
  max?: number
  pattern?: RegExp
  /** Removes white space around the text before it is checked. */
  trim?: boolean
  /** Shown in the OpenAPI document. */
  description?: string
  format?: string
}

interface NumberOptions {
  min?: number
  max?: number
  description?: string
}

/** Text of `min` (default 1) to `max` (default 200) UTF-16 units, without NUL, which PostgreSQL cannot store. */
export const text = ({ min = 1, max = 200, pattern, trim, ...rest }: TextOptions = {}): Rule<string> => ({
  type: 'string',
  min,
  max,
  ...(trim ? { trim: true } : {}),
  ...(pattern ? { pattern: pattern.source, patternFlags: pattern.flags } : { pattern: '^[^\\0]*$', open: true }),
  ...rest
})

export const int = (options: NumberOptions = {}): Rule<number> => ({ type: 'number', integer: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, ...options })

export const decimal = (options: NumberOptions = {}): Rule<number> => ({ type: 'number', ...options })

export const bool = (): Rule<boolean> => ({ type: 'boolean' })

export const oneOf = <const V extends readonly string[]>(values: V, description?: string): Rule<V[number]> => ({
  type: 'enum',
  values,
  ...(description ? { description } : {})
})

/** An opaque id as clients send it back. */
export const id = (): Rule<string> => text({ max: 100, pattern: /^[\w.~:-]+$/ })

/** RFC 3339 in UTC. */
export const timestamp = (): Rule<string> => text({ max: 35, pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/, format: 'date-time' })

export const list = <R extends Rule>(items: R, { min = 0, max = 1_000 }: { min?: number; max?: number } = {}): Rule<Infer<R>[]> => ({ type: 'array', items, min, max })

/** An object with exactly these fields: unknown ones are refused. */
export const object = <const F extends Fields>(fields: F): Rule<InferFields<F>> => ({ type: 'object', strict: true, props: fields })

/** A map of free keys to values of one rule, bounded in number by whoever stores it. */
export const record = <R extends Rule>(values: R, keyPattern: RegExp = /^[\w .-]{1,60}$/): Rule<Record<string, Infer<R>>> => ({
  type: 'record',
  key: { type: 'string', pattern: keyPattern.source },
  value: values
})

/** Any JSON: for answers whose shape belongs to somebody else. */
export const anything = (): Rule<unknown> => ({ type: 'any', nullable: true })

export const optional = <T>(rule: Rule<T>): OptionalRule<T> => ({ ...rule, optional: true })

export const nullable = <T>(rule: Rule<T>): Rule<T | null> => ({ ...rule, nullable: true })

/** A whole number given as text in a URL. */
export const queryInt = (options: NumberOptions = {}): Rule<number> => ({ ...int(options), convert: true })

export const queryNumber = (options: NumberOptions = {}): Rule<number> => ({ ...decimal(options), convert: true })

/** A query parameter that may be repeated: one value is a list of one. */
export const queryList = <R extends Rule>(items: R, bounds: { min?: number; max?: number } = {}): Rule<Infer<R>[]> => ({ ...list(items, bounds), convert: true })

const currency = text({ min: 3, max: 3, pattern: /^[A-Z]{3}$/ })

/** Money of any sign, as in answers. */
export const moneyRule = object({ amount: int(), currency })

/** A price or an amount to move: more than zero, at most ten million units of currency. */
export const priceRule = object({ amount: int({ min: 1, max: 1_000_000_000 }), currency })

/** `?limit=&cursor=` of every list. */
export const pageQuery = {
  limit: optional(queryInt({ min: 1, max: 100, description: 'items on a page; 20 unless told' })),
  cursor: optional(text({ max: 1_000, description: 'nextCursor of the page before' }))
}

/** One page of items. */
export const pageRule = <R extends Rule>(items: R): Rule<{ items: Infer<R>[]; nextCursor: string | null }> => object({ items: list(items), nextCursor: nullable(text({ max: 1_000 })) })
